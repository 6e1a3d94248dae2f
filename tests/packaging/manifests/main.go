// Reads the files that this machine has no program to run with, by the very code that would run them: BuildKit's
// parser for the Dockerfile, Compose's loader, Kubernetes' own types. Says what is wrong, or prints what a container
// would be started with, so that the tests can start it without Docker.
//
//	manifests dockerfile <file> <context>
//	manifests compose <file> <environment file>
//	manifests kubernetes <file>
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// Mount is what a container sees at a path: a folder of this machine, or files with these contents.
type Mount struct {
	Target   string            `json:"target"`
	Source   string            `json:"source,omitempty"`
	Files    map[string]string `json:"files,omitempty"`
	ReadOnly bool              `json:"readOnly"`
	Scratch  bool              `json:"scratch"`
}

// Container is what it is started with, whoever starts it.
type Container struct {
	Environment map[string]string `json:"environment"`
	Arguments   []string          `json:"arguments"`
	Mounts      []Mount           `json:"mounts"`
	ReadOnly    bool              `json:"readOnly"`
	User        string            `json:"user,omitempty"`
	Probes      map[string]string `json:"probes,omitempty"`
}

func main() {
	commands := map[string]func([]string) (any, error){
		"dockerfile": func(a []string) (any, error) { return readDockerfile(a[0], a[1]) },
		"compose":    func(a []string) (any, error) { return readCompose(a[0], a[1]) },
		"kubernetes": func(a []string) (any, error) { return readKubernetes(a[0]) },
	}
	wanted := map[string]int{"dockerfile": 2, "compose": 2, "kubernetes": 1}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil || len(os.Args)-2 != wanted[os.Args[1]] {
		fmt.Fprintln(os.Stderr, "usage: manifests dockerfile|compose|kubernetes <file> …")
		os.Exit(2)
	}
	found, err := commands[os.Args[1]](os.Args[2:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[2], err)
		os.Exit(1)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(found); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
