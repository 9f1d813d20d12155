package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	service := flag.String("service", "", "the service: the name of its overlay and of its folder under aws")
	flag.Parse()
	if err := run(*service); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run writes the generated files of the service into its folder.
func run(service string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	models, err := modelFolder(root)
	if err != nil {
		return err
	}
	files, err := generate(root, models, service)
	if err != nil {
		return fmt.Errorf("%s: %w", service, err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, "aws", service, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the generated files of the service by name.
func generate(root, models, service string) (map[string][]byte, error) {
	overlayText, err := os.ReadFile(filepath.Join(root, "aws", "generate", "overlay", service+".json"))
	if err != nil {
		return nil, err
	}
	over, err := parseOverlay(overlayText)
	if err != nil {
		return nil, err
	}
	modelText, err := os.ReadFile(filepath.Join(models, filepath.FromSlash(over.Model), "api-2.json"))
	if err != nil {
		return nil, err
	}
	m, err := load(modelText, overlayText)
	if err != nil {
		return nil, err
	}
	return write(m, service)
}

// moduleRoot is the folder of this module's go.mod.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

// modelFolder is the folder models/apis of the module that carries the models, which is downloaded if need be.
func modelFolder(root string) (string, error) {
	const module = "github.com/aws/aws-sdk-go"
	if _, err := goTool(root, "mod", "download", "-modfile=tools/go.mod", module); err != nil {
		return "", err
	}
	dir, err := goTool(root, "list", "-m", "-modfile=tools/go.mod", "-f", "{{.Dir}}", module)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "models", "apis"), nil
}

func goTool(dir string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := err.(*exec.ExitError); ok {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
