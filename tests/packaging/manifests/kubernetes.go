package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	podsecurity "k8s.io/pod-security-admission/policy"
	strict "sigs.k8s.io/yaml"
)

type manifest struct {
	accounts    []core.ServiceAccount
	configMaps  map[string]core.ConfigMap
	secrets     map[string]core.Secret
	services    []core.Service
	deployments []apps.Deployment
	policies    []networking.NetworkPolicy
	budgets     []policy.PodDisruptionBudget
}

// readKubernetes decodes every document by Kubernetes' own types, unknown fields refused, and looks at what a schema
// does not see: references, selectors, the Pod Security standard "restricted".
func readKubernetes(path string) (*Container, error) {
	all, err := decode(path)
	if err != nil {
		return nil, err
	}
	if len(all.deployments) != 1 {
		return nil, errors.New("expected one Deployment")
	}
	deployment := all.deployments[0]
	pod := deployment.Spec.Template
	evaluator, err := podsecurity.NewEvaluator(podsecurity.DefaultChecks(), nil)
	if err != nil {
		return nil, err
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec) {
		if !result.Allowed {
			return nil, fmt.Errorf("Pod Security restricted: %s: %s", result.ForbiddenReason, result.ForbiddenDetail)
		}
	}
	if err := all.hangsTogether(deployment); err != nil {
		return nil, err
	}
	return all.container(deployment)
}

func decode(path string) (*manifest, error) {
	texts, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	all := &manifest{configMaps: map[string]core.ConfigMap{}, secrets: map[string]core.Secret{}}
	for _, text := range strings.Split(string(texts), "\n---\n") {
		var kind struct {
			Kind       string `json:"kind"`
			APIVersion string `json:"apiVersion"`
		}
		if err := strict.Unmarshal([]byte(text), &kind); err != nil {
			return nil, err
		}
		if err := all.add(kind.APIVersion+" "+kind.Kind, []byte(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", kind.Kind, err)
		}
	}
	return all, nil
}

func (all *manifest) add(kind string, text []byte) error {
	read := func(into any) error { return strict.UnmarshalStrict(text, into) }
	switch kind {
	case "v1 Namespace":
		return read(&core.Namespace{})
	case "v1 ServiceAccount":
		var account core.ServiceAccount
		err := read(&account)
		all.accounts = append(all.accounts, account)
		return err
	case "v1 ConfigMap":
		var configMap core.ConfigMap
		err := read(&configMap)
		all.configMaps[configMap.Name] = configMap
		return err
	case "v1 Secret":
		var secret core.Secret
		err := read(&secret)
		all.secrets[secret.Name] = secret
		return err
	case "v1 Service":
		var service core.Service
		err := read(&service)
		all.services = append(all.services, service)
		return err
	case "apps/v1 Deployment":
		var deployment apps.Deployment
		err := read(&deployment)
		all.deployments = append(all.deployments, deployment)
		return err
	case "networking.k8s.io/v1 NetworkPolicy":
		var networkPolicy networking.NetworkPolicy
		err := read(&networkPolicy)
		all.policies = append(all.policies, networkPolicy)
		return err
	case "policy/v1 PodDisruptionBudget":
		var budget policy.PodDisruptionBudget
		err := read(&budget)
		all.budgets = append(all.budgets, budget)
		return err
	}
	return fmt.Errorf("%s is not known here", kind)
}

func (all *manifest) hangsTogether(deployment apps.Deployment) error {
	labels := deployment.Spec.Template.Labels
	selects := func(what string, selector map[string]string) error {
		if len(selector) == 0 {
			return fmt.Errorf("%s selects every pod", what)
		}
		for key, value := range selector {
			if labels[key] != value {
				return fmt.Errorf("%s selects %s=%s, which no pod has", what, key, value)
			}
		}
		return nil
	}
	var problems []error
	problems = append(problems, selects("the Deployment", deployment.Spec.Selector.MatchLabels))
	ports := map[string]int32{}
	for _, port := range deployment.Spec.Template.Spec.Containers[0].Ports {
		ports[port.Name] = port.ContainerPort
	}
	has := func(what string, port intstr.IntOrString) error {
		if port.Type == intstr.String && ports[port.StrVal] == 0 {
			return fmt.Errorf("%s names the port %s, which the container has not", what, port.StrVal)
		}
		return nil
	}
	for _, service := range all.services {
		problems = append(problems, selects("Service "+service.Name, service.Spec.Selector))
		for _, port := range service.Spec.Ports {
			problems = append(problems, has("Service "+service.Name, port.TargetPort))
		}
		// The admin port has no authentication.
		if service.Spec.Type != core.ServiceTypeClusterIP && service.Spec.Type != "" {
			problems = append(problems, fmt.Errorf("Service %s is reachable from outside the cluster", service.Name))
		}
	}
	if len(all.policies) == 0 || len(all.budgets) == 0 {
		problems = append(problems, errors.New("a NetworkPolicy and a PodDisruptionBudget are expected"))
	}
	for _, networkPolicy := range all.policies {
		problems = append(problems, selects("NetworkPolicy "+networkPolicy.Name, networkPolicy.Spec.PodSelector.MatchLabels))
		for _, rule := range networkPolicy.Spec.Ingress {
			for _, port := range rule.Ports {
				problems = append(problems, has("NetworkPolicy "+networkPolicy.Name, *port.Port))
				if port.Port.StrVal == "admin" && len(rule.From) == 0 {
					problems = append(problems, errors.New("the NetworkPolicy lets everybody to the admin port"))
				}
				for _, peer := range rule.From {
					if port.Port.StrVal == "admin" && (peer.PodSelector == nil || len(peer.PodSelector.MatchLabels) == 0) {
						problems = append(problems, errors.New("the NetworkPolicy lets every pod of a namespace to the admin port"))
					}
				}
			}
		}
	}
	for _, budget := range all.budgets {
		problems = append(problems, selects("PodDisruptionBudget "+budget.Name, budget.Spec.Selector.MatchLabels))
	}
	account := deployment.Spec.Template.Spec.ServiceAccountName
	known := false
	for _, candidate := range all.accounts {
		known = known || candidate.Name == account
	}
	if !known {
		problems = append(problems, fmt.Errorf("there is no ServiceAccount %q", account))
	}
	return errors.Join(problems...)
}

// What the kubelet would start.
func (all *manifest) container(deployment apps.Deployment) (*Container, error) {
	spec := deployment.Spec.Template.Spec
	from := spec.Containers[0]
	to := &Container{Environment: map[string]string{}, Arguments: from.Args, Probes: map[string]string{}}
	to.ReadOnly = from.SecurityContext.ReadOnlyRootFilesystem != nil && *from.SecurityContext.ReadOnlyRootFilesystem
	if !to.ReadOnly {
		return nil, errors.New("readOnlyRootFilesystem is not set")
	}
	if from.Resources.Requests.Memory().IsZero() || from.Resources.Limits.Memory().IsZero() {
		return nil, errors.New("memory has no request or no limit")
	}
	for _, variable := range from.Env {
		value := variable.Value
		if variable.ValueFrom != nil {
			reference := variable.ValueFrom.SecretKeyRef
			if reference == nil {
				return nil, fmt.Errorf("%s comes from something other than a Secret", variable.Name)
			}
			found, known := all.secrets[reference.Name].StringData[reference.Key]
			if !known {
				return nil, fmt.Errorf("%s: Secret %s has no key %s", variable.Name, reference.Name, reference.Key)
			}
			value = found
		}
		to.Environment[variable.Name] = value
	}
	volumes := map[string]core.Volume{}
	for _, volume := range spec.Volumes {
		volumes[volume.Name] = volume
	}
	for _, mount := range from.VolumeMounts {
		volume, known := volumes[mount.Name]
		if !known {
			return nil, fmt.Errorf("there is no volume %s", mount.Name)
		}
		read := Mount{Target: mount.MountPath, ReadOnly: mount.ReadOnly}
		switch {
		case volume.ConfigMap != nil:
			configMap, known := all.configMaps[volume.ConfigMap.Name]
			if !known {
				return nil, fmt.Errorf("there is no ConfigMap %s", volume.ConfigMap.Name)
			}
			read.Files = configMap.Data
		case volume.Secret != nil:
			secret, known := all.secrets[volume.Secret.SecretName]
			if !known {
				return nil, fmt.Errorf("there is no Secret %s", volume.Secret.SecretName)
			}
			read.Files = map[string]string{}
			for _, item := range volume.Secret.Items {
				value, known := secret.StringData[item.Key]
				if !known {
					return nil, fmt.Errorf("Secret %s has no key %s", secret.Name, item.Key)
				}
				read.Files[item.Path] = value
			}
		case volume.EmptyDir != nil:
			read.Scratch = true
		default:
			return nil, fmt.Errorf("volume %s is of a kind that is not known here", volume.Name)
		}
		to.Mounts = append(to.Mounts, read)
	}
	for name, probe := range map[string]*core.Probe{"startup": from.StartupProbe, "readiness": from.ReadinessProbe, "liveness": from.LivenessProbe} {
		if probe == nil || probe.HTTPGet == nil {
			return nil, fmt.Errorf("there is no %s probe", name)
		}
		port := ""
		for _, candidate := range from.Ports {
			if candidate.Name == probe.HTTPGet.Port.StrVal {
				port = fmt.Sprint(candidate.ContainerPort)
			}
		}
		if port == "" {
			return nil, fmt.Errorf("the %s probe names no port of the container", name)
		}
		to.Probes[name] = "http://127.0.0.1:" + port + probe.HTTPGet.Path
	}
	return to, nil
}
