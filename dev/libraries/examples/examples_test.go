package examples_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// pkg is the folder of the modules.
const pkg = "../../../pkg"

// A module requires no driver, so its examples get theirs here: testdata/NAME.go takes the
// place of the main_test.go of pkg/NAME.
func TestExamples(t *testing.T) {
	t.Parallel()
	devstacktest.SkipShort(t, "a server")
	for _, folder := range packages(t) {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			main := filepath.Join(pkg, folder, "main_test.go")
			with := filepath.Join("testdata", strings.ReplaceAll(folder, "/", "_")+".go")
			cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-run", "^Example", "-overlay",
				overlay(t, main, with), ".")
			cmd.Dir = filepath.Join(pkg, folder)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, name := range examples(t, folder) {
				if !strings.Contains(string(out), "--- PASS: "+name+" (") {
					t.Errorf("%s was not run: it has no // Output:", name)
				}
			}
		})
	}
}

// packages returns the folders under pkg/ that have examples.
func packages(t *testing.T) (folders []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		folders = append(folders, strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".go"), "_", "/"))
	}
	return folders
}

// examples returns the names of a package's examples.
func examples(t *testing.T, folder string) (names []string) {
	t.Helper()
	for _, fn := range declared(t, folder, true) {
		if strings.HasPrefix(fn.Name.Name, "Example") {
			names = append(names, fn.Name.Name)
		}
	}
	if len(names) == 0 {
		t.Errorf("%s has no example", folder)
	}
	return names
}

// overlay writes a file for the go command that puts one file in the place of another.
func overlay(t *testing.T, file, with string) string {
	t.Helper()
	places := map[string]string{absolute(t, file): absolute(t, with)}
	text, err := json.Marshal(map[string]any{"Replace": places})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}
