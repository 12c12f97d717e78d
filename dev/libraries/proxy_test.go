package libraries_test

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// proxy has the modules as a release publishes them, for the go command of a service. What
// others have published it takes from the cache of this machine.
type proxy struct {
	folder  string
	version string
	env     []string
}

// publish makes the archive of each module of the tree.
func publish(t *testing.T) *proxy {
	t.Helper()
	devstacktest.SkipShort(t, "an empty module cache")
	p := &proxy{folder: t.TempDir(), version: next(t)}
	for _, folder := range modules(t) {
		p.publish(t, folder)
	}
	outer := strings.Fields(goIn(t, root, nil, "env", "GOMODCACHE", "GOPROXY"))
	p.env = []string{
		"GOWORK=off", "GOTOOLCHAIN=local", "GONOSUMDB=" + project, "GONOPROXY=none", "GOPRIVATE=", "GOVCS=*:off",
		"GOFLAGS=-mod=mod -trimpath -modcacherw -buildvcs=false",
		"GOBIN=" + filepath.Join(p.folder, "bin"), "GOMODCACHE=" + filepath.Join(p.folder, "cache"),
		"GOPROXY=file://" + p.folder + ",file://" + filepath.Join(outer[0], "cache", "download") + "," + outer[1],
	}
	return p
}

func (p *proxy) publish(t *testing.T, folder string) {
	t.Helper()
	path := strings.TrimSuffix(project+"/"+folder, "/.")
	at := filepath.Join(p.folder, filepath.FromSlash(path), "@v")
	if err := os.MkdirAll(at, 0o700); err != nil {
		t.Fatal(err)
	}
	requirements, err := os.ReadFile(filepath.Join(root, folder, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"list":              p.version + "\n",
		p.version + ".info": fmt.Sprintf(`{"Version": %q, "Time": "2026-11-29T00:00:00Z"}`, p.version),
		p.version + ".mod":  string(requirements),
	} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Create(filepath.Join(at, p.version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := zip.NewWriter(file)
	for _, name := range files(t, folder) {
		text, err := os.ReadFile(filepath.Join(root, folder, name))
		if err != nil {
			t.Fatal(err)
		}
		to, err := archive.Create(path + "@" + p.version + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
}

// files returns what the archive of a module has: all files but tests' data, and no other module.
func files(t *testing.T, folder string) (names []string) {
	t.Helper()
	top := filepath.Join(root, folder)
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(top, path)
		if err != nil || name == "." {
			return err
		}
		if entry.IsDir() {
			_, err := os.Stat(filepath.Join(path, "go.mod"))
			if another := err == nil; another || slices.Contains([]string{".git", "bin", "dist", "testdata"}, entry.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		names = append(names, filepath.ToSlash(name))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// service is a module that imports packages.
type service struct {
	*proxy
	folder string
}

// service makes one that needs a version of Go and meets requirements.
func (p *proxy) service(t *testing.T, needs string, required ...requirement) *service {
	t.Helper()
	s := &service{p, t.TempDir()}
	requirements, code := "module service\n\ngo "+needs+"\n\n", "package main\n\n"
	for _, one := range required {
		requirements += fmt.Sprintf("require %s %s\n", one.module, one.version)
		code += fmt.Sprintf("import _ %q\n", one.imports)
	}
	for name, text := range map[string]string{"go.mod": requirements, "main.go": code + "\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.goIn(t, s.folder, "build", "-o", os.DevNull, ".")
	return s
}

// modules returns the modules that the service gets, sorted.
func (s *service) modules(t *testing.T) []string {
	t.Helper()
	all := strings.Fields(s.goIn(t, s.folder, "list", "-m", "-f", "{{if not .Main}}{{.Path}}{{end}}", "all"))
	slices.Sort(all)
	return all
}

func (p *proxy) goIn(t *testing.T, folder string, args ...string) string {
	t.Helper()
	return goIn(t, folder, p.env, args...)
}
