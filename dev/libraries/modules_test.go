package libraries_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	root    = "../.."
	project = "github.com/walpost/walpost"
)

// libraries are the modules under pkg/.
var libraries = []struct {
	name   string
	needs  string   // the version of Go that a service must have
	ours   []string // what it builds on
	others []string // packages that it imports
}{
	{name: "outbox", needs: "1.22.0"},
	{name: "eventstore", needs: "1.22.0", ours: []string{"outbox"}},
	{name: "inbox", needs: "1.26.0", others: []string{"github.com/IBM/sarama"}},
	{name: "projection", needs: "1.26.0", ours: []string{"inbox"}, others: []string{"github.com/IBM/sarama"}},
	{
		name: "inbox/inboxprom", needs: "1.26.0", ours: []string{"inbox"},
		others: []string{"github.com/IBM/sarama", "github.com/prometheus/client_golang/prometheus"},
	},
}

// A service that requires a library gets that module, those of ours that it builds on, and
// what the libraries of others bring that it is made with. Its Go stays what it is.
func TestServiceRequiresLittle(t *testing.T) {
	t.Parallel()
	p := publish(t)
	for _, library := range libraries {
		t.Run(library.name, func(t *testing.T) {
			t.Parallel()
			var want []string
			var others []requirement
			for _, ours := range append(library.ours, library.name) {
				want = append(want, project+"/pkg/"+ours)
			}
			for _, other := range library.others {
				others = append(others, required(t, other))
			}
			if len(others) > 0 {
				want = append(want, p.service(t, library.needs, others...).modules(t)...)
			}
			slices.Sort(want)
			s := p.service(t, library.needs, requirement{project + "/pkg/" + library.name, p.version, project + "/pkg/" + library.name})
			got := s.modules(t)
			if want = slices.Compact(want); !slices.Equal(got, want) {
				t.Errorf("the service requires\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if needs := strings.TrimSpace(s.goIn(t, s.folder, "list", "-m", "-f", "{{.GoVersion}}")); needs != library.needs {
				t.Errorf("the service needs Go %s, want %s", needs, library.needs)
			}
		})
	}
}

// Each module is in the list above.
func TestLibrariesAreComplete(t *testing.T) {
	t.Parallel()
	var want []string
	for _, library := range libraries {
		want = append(want, "pkg/"+library.name)
	}
	slices.Sort(want)
	if got := modules(t)[1:]; !slices.Equal(got, want) {
		t.Errorf("go.work has %v, tested are %v", got, want)
	}
}

// What a module's Go does not have yet, the module does not use.
func TestModulesNeedNoNewerGo(t *testing.T) {
	t.Parallel()
	for _, folder := range modules(t)[1:] {
		goIn(t, filepath.Join(root, folder), nil, "vet", "-stdversion", "./...")
	}
}

// The command can be installed without a clone: its module replaces nothing, and the modules
// that it requires have what it imports. Nothing is compiled, which other tests do.
func TestCommandInstalls(t *testing.T) {
	t.Parallel()
	p := publish(t)
	p.goIn(t, t.TempDir(), "install", "-n", project+"/cmd/walpost@"+p.version)
}

// The workspace has each module at the version that others require, before it has its tag.
func TestWorkspaceHasTheNextVersion(t *testing.T) {
	t.Parallel()
	version := next(t)
	work, err := os.ReadFile(filepath.Join(root, "go.work"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range modules(t)[1:] {
		line := "\t" + project + "/" + folder + " " + version + " => ./" + folder + "\n"
		if n := strings.Count(string(work), "\t"+project+"/"+folder+" "); n != 1 || !strings.Contains(string(work), line) {
			t.Errorf("go.work has %d lines that replace %s, and is to have%s", n, folder, line)
		}
	}
}

// What is in two modules is there at one version.
func TestModulesAgreeOnVersions(t *testing.T) {
	t.Parallel()
	all := requirements(t, ".")
	for _, folder := range modules(t)[1:] {
		for path, version := range requirements(t, folder) {
			if all[path] != "" && all[path] != version {
				t.Errorf("%s requires %s at %s, the root at %s", folder, path, version, all[path])
			}
		}
	}
}

// modules returns the folders of the modules of the workspace, sorted, the root first.
func modules(t *testing.T) (folders []string) {
	t.Helper()
	for path := range strings.FieldsSeq(goIn(t, root, nil, "list", "-m")) {
		folders = append(folders, filepath.Clean("./"+strings.TrimPrefix(path, project)))
	}
	slices.Sort(folders)
	if len(folders) < 2 || folders[0] != "." {
		t.Fatalf("modules %v", folders)
	}
	return folders
}

// next returns the version at which the modules require each other: that of the next release.
func next(t *testing.T) (version string) {
	t.Helper()
	for _, folder := range modules(t) {
		for path, at := range requirements(t, folder) {
			if !strings.HasPrefix(path, project+"/") {
				continue
			}
			if version == "" {
				version = at
			}
			if at != version {
				t.Errorf("%s/go.mod requires %s at %s, others are required at %s", folder, path, at, version)
			}
		}
	}
	return version
}

// requirement is a module at a version, and the package in it that is imported.
type requirement struct{ module, version, imports string }

// required returns the module of a package, at the version at which the modules require it.
func required(t *testing.T, imports string) requirement {
	t.Helper()
	for module, version := range requirements(t, ".") {
		if imports == module || strings.HasPrefix(imports, module+"/") {
			return requirement{module, version, imports}
		}
	}
	t.Fatalf("no module requires %s", imports)
	return requirement{}
}

// requirements returns the versions of what the go.mod of a module requires for what it
// imports.
func requirements(t *testing.T, folder string) map[string]string {
	t.Helper()
	var mod struct {
		Require []struct {
			Path, Version string
			Indirect      bool
		}
	}
	if err := json.Unmarshal([]byte(goIn(t, filepath.Join(root, folder), nil, "mod", "edit", "-json")), &mod); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, one := range mod.Require {
		if !one.Indirect {
			all[one.Path] = one.Version
		}
	}
	return all
}

// goIn runs the go command in a folder.
func goIn(t *testing.T, folder string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), env...)
	var remarks strings.Builder
	cmd.Stderr = &remarks
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, out, remarks.String())
	}
	return string(out)
}
