package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// Composition is a compose file's services by name.
type Composition struct {
	Bia      Container         `json:"bia"`
	Database map[string]string `json:"database"`
}

func readCompose(path, environment string) (*Composition, error) {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithName("bia"), cli.WithEnvFiles(environment), cli.WithDotEnv)
	if err != nil {
		return nil, err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return nil, err
	}
	bia, err := project.GetService("bia")
	if err != nil {
		return nil, err
	}
	database, err := project.GetService("postgres")
	if err != nil {
		return nil, err
	}
	if err := isConfined(bia); err != nil {
		return nil, fmt.Errorf("service bia: %w", err)
	}
	if database.HealthCheck == nil || bia.DependsOn["postgres"].Condition != types.ServiceConditionHealthy {
		return nil, errors.New("bia has to wait until postgres is healthy")
	}
	container := Container{Environment: plain(bia.Environment), Arguments: bia.Command, ReadOnly: bia.ReadOnly, User: bia.User}
	for _, volume := range bia.Volumes {
		container.Mounts = append(container.Mounts, Mount{Target: volume.Target, Source: volume.Source, ReadOnly: volume.ReadOnly})
	}
	for _, secret := range bia.Secrets {
		definition, known := project.Secrets[secret.Source]
		if !known || definition.File == "" {
			return nil, fmt.Errorf("secret %s has no file", secret.Source)
		}
		target := secret.Target
		if target == "" {
			target = secret.Source
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join("/run/secrets", target)
		}
		container.Mounts = append(container.Mounts, Mount{Target: target, Source: definition.File, ReadOnly: true})
	}
	for _, target := range bia.Tmpfs {
		container.Mounts = append(container.Mounts, Mount{Target: target, Scratch: true})
	}
	return &Composition{Bia: container, Database: plain(database.Environment)}, nil
}

// The quickstart is what people deploy, so it has to be safe as it stands.
func isConfined(service types.ServiceConfig) error {
	if !service.ReadOnly {
		return errors.New("read_only is not set")
	}
	if len(service.CapDrop) != 1 || service.CapDrop[0] != "ALL" || len(service.CapAdd) > 0 {
		return errors.New("cap_drop is not [ALL]")
	}
	if len(service.SecurityOpt) != 1 || service.SecurityOpt[0] != "no-new-privileges:true" {
		return errors.New("security_opt is not [no-new-privileges:true]")
	}
	for _, port := range service.Ports {
		if port.Target == 4434 {
			return errors.New("the admin port is published, and it has no authentication")
		}
		if port.HostIP != "127.0.0.1" {
			return fmt.Errorf("port %s is published beyond this machine, past the proxy", port.Published)
		}
	}
	return nil
}

func plain(environment types.MappingWithEquals) map[string]string {
	values := map[string]string{}
	for name, value := range environment {
		if value != nil {
			values[name] = *value
		}
	}
	return values
}
