package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// Image is a Dockerfile as steps to perform.
type Image struct {
	Stages  []Stage  `json:"stages"`
	Context []string `json:"context"`
}

// Stage is one FROM.
type Stage struct {
	Name  string `json:"name"`
	Base  string `json:"base"`
	Steps []Step `json:"steps"`
}

// Step is one instruction; which fields it has depends on its kind.
type Step struct {
	Kind    string            `json:"kind"`
	Line    string            `json:"line"`
	Script  string            `json:"script,omitempty"`
	Exec    []string          `json:"exec,omitempty"`
	From    string            `json:"from,omitempty"`
	Chown   string            `json:"chown,omitempty"`
	Sources []string          `json:"sources,omitempty"`
	Target  string            `json:"target,omitempty"`
	Value   string            `json:"value,omitempty"`
	Values  map[string]string `json:"values,omitempty"`
}

func readDockerfile(path, context string) (*Image, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	parsed, err := parser.Parse(file)
	if err != nil {
		return nil, err
	}
	var complaints []string
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, message string, location []parser.Range) {
		complaints = append(complaints, fmt.Sprintf("%s: %s %v", rule, message, location))
	}})
	for _, warning := range parsed.Warnings {
		complaints = append(complaints, warning.Short)
	}
	stages, arguments, err := instructions.Parse(parsed.AST, lint)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, command := range arguments {
		for _, argument := range command.Args {
			if argument.Value != nil {
				values[argument.Key] = *argument.Value
			}
		}
	}
	image := &Image{}
	for _, stage := range stages {
		base := os.Expand(stage.BaseName, func(name string) string { return values[name] })
		if !strings.Contains(base, ":") {
			complaints = append(complaints, fmt.Sprintf("FROM %s: pin a tag, or tomorrow's build is another one", base))
		}
		read := Stage{Name: stage.Name, Base: base}
		for _, command := range stage.Commands {
			step, err := asStep(command)
			if err != nil {
				return nil, err
			}
			read.Steps = append(read.Steps, step)
		}
		image.Stages = append(image.Stages, read)
	}
	if image.Context, err = contextFiles(path, context); err != nil {
		return nil, err
	}
	complaints = append(complaints, complain(image)...)
	if len(complaints) > 0 {
		return nil, errors.New(strings.Join(complaints, "\n"))
	}
	return image, nil
}

func asStep(command instructions.Command) (Step, error) {
	step := Step{Kind: command.Name(), Line: fmt.Sprint(command)}
	switch command := command.(type) {
	case *instructions.RunCommand:
		if command.PrependShell {
			step.Script = strings.Join(command.CmdLine, " ")
		} else {
			step.Exec = command.CmdLine
		}
	case *instructions.CopyCommand:
		step.From, step.Chown = command.From, command.Chown
		step.Sources, step.Target = command.SourcePaths, command.DestPath
	case *instructions.WorkdirCommand:
		step.Value = command.Path
	case *instructions.UserCommand:
		step.Value = command.User
	case *instructions.EnvCommand:
		step.Values = map[string]string{}
		for _, pair := range command.Env {
			step.Values[pair.Key] = pair.Value
		}
	case *instructions.EntrypointCommand:
		step.Exec = command.CmdLine
		if command.PrependShell {
			return step, errors.New("ENTRYPOINT wants a list: this image has no shell")
		}
	case *instructions.CmdCommand:
		step.Exec = command.CmdLine
		if command.PrependShell {
			return step, errors.New("CMD wants a list: this image has no shell")
		}
	case *instructions.HealthCheckCommand:
		step.Exec = command.Health.Test
		if len(step.Exec) == 0 || step.Exec[0] != "CMD" {
			return step, errors.New("HEALTHCHECK wants CMD and a list: this image has no shell")
		}
	case *instructions.ExposeCommand, *instructions.VolumeCommand, *instructions.LabelCommand, *instructions.StopSignalCommand:
	default:
		return step, fmt.Errorf("%s: nothing performs this instruction in the tests yet", command.Name())
	}
	return step, nil
}

// What hadolint would say about an image like this one.
func complain(image *Image) []string {
	var complaints []string
	last := image.Stages[len(image.Stages)-1]
	user, health := "", false
	for _, step := range last.Steps {
		switch step.Kind {
		case "USER", "user":
			user = step.Value
		case "HEALTHCHECK", "healthcheck":
			health = true
		}
	}
	name, _, _ := strings.Cut(user, ":")
	if name == "" || name == "0" || name == "root" || strings.Trim(name, "0123456789") != "" {
		complaints = append(complaints, fmt.Sprintf("USER %q: Kubernetes' runAsNonRoot wants a number other than 0", user))
	}
	if !health {
		complaints = append(complaints, "there is no HEALTHCHECK")
	}
	return complaints
}

// The files that COPY sees: what the ignore file beside the Dockerfile leaves.
func contextFiles(dockerfile, context string) ([]string, error) {
	ignore, err := os.Open(dockerfile + ".dockerignore")
	if err != nil {
		return nil, err
	}
	defer ignore.Close()
	patterns, err := ignorefile.ReadAll(ignore)
	if err != nil {
		return nil, err
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, err
	}
	var files []string
	err = filepath.WalkDir(context, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(context, path)
		if err != nil || relative == "." {
			return err
		}
		ignored, err := matcher.MatchesOrParentMatches(relative)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			// Nothing in these is ever wanted, and they are large.
			if ignored && !matcher.Exclusions() {
				return filepath.SkipDir
			}
			if base := filepath.Base(path); ignored && (base == "target" || base == ".git" || base == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if !ignored {
			files = append(files, relative)
		}
		return nil
	})
	return files, err
}
