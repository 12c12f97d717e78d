// Package configtest writes configuration files for tests, from keys and not from pieces of text. It knows files; which
// keys there are is the matter of package config and of the tests.
package configtest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/walpost/walpost/internal/config"
)

// Keys are values of a configuration file by the names of their keys, from the top: "kafka.compression". A whole section
// is a name too: it replaces what other Keys say of its keys. A value is whatever YAML can write, or nil: no such key.
type Keys map[string]any

// With returns these keys and others, which win.
func (k Keys) With(others Keys) Keys {
	all := maps.Clone(k)
	if all == nil {
		all = Keys{}
	}
	for _, name := range slices.Sorted(maps.Keys(others)) { // a section before its keys
		maps.DeleteFunc(all, func(other string, _ any) bool { return strings.HasPrefix(other, name+".") })
		all[name] = others[name]
	}
	return all
}

// YAML returns the text of the file.
func (k Keys) YAML(t testing.TB) string {
	t.Helper()
	text, err := yaml.Dump(k.tree())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tree puts each value into its section.
func (k Keys) tree() map[string]any {
	root := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(k)) { // a section before its keys
		path := strings.Split(name, ".")
		key := path[len(path)-1]
		section := root
		for _, outer := range path[:len(path)-1] {
			inner, _ := section[outer].(map[string]any)
			inner = maps.Clone(inner) // it may be the caller's
			if inner == nil {
				inner = map[string]any{}
			}
			section[outer] = inner
			section = inner
		}
		section[key] = k[name]
		if k[name] == nil {
			delete(section, key)
		}
	}
	return root
}

// File writes the file into a folder of the test's own and returns its path.
func (k Keys) File(t testing.TB) string {
	t.Helper()
	return File(t, k.YAML(t))
}

// Load writes the file and reads it as `run` would.
func (k Keys) Load(t testing.TB) *config.Config {
	t.Helper()
	cfg, err := config.Load(k.File(t))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// File writes a text as a configuration file into a folder of the test's own and returns its path.
func File(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "walpost.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
