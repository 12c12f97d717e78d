package deploy_test

import (
	"go/ast"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// room matches the folder of a package in the first column of design.md's table.
var room = regexp.MustCompile("`((?:cmd|dev|internal|pkg)/[a-z0-9/]+)`")

// TestDesignHasEveryPackage compares the packages of docs/design.md with the tree. A
// package that only tests import has no row, but a name in the paragraph below the table;
// a copy of a package has none.
func TestDesignHasEveryPackage(t *testing.T) {
	t.Parallel()
	page := read(t, "docs/design.md")
	_, page, _ = strings.Cut(page, "## Packages\n")
	page, _, _ = strings.Cut(page, "\n## ")
	rows := map[string]bool{}
	for line := range strings.Lines(page) {
		if first, _, found := strings.Cut(strings.TrimPrefix(line, "|"), "|"); found {
			for _, m := range room.FindAllStringSubmatch(first, -1) {
				rows[m[1]] = true
			}
		}
	}
	tree := packages(t)
	for _, folder := range slices.Sorted(maps.Keys(tree)) {
		if name := filepath.Base(folder); strings.HasSuffix(name, "test") {
			if !strings.Contains(page, "`"+name+"`") {
				t.Errorf("docs/design.md does not say what %s is for", folder)
			}
		} else if !rows[folder] {
			t.Errorf("docs/design.md has no row for %s", folder)
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(rows)) {
		if !tree[folder] {
			t.Errorf("docs/design.md has a row for %s, which is no package", folder)
		}
	}
}

// packages returns the folders of the code, but for examples and copies.
func packages(t *testing.T) map[string]bool {
	t.Helper()
	tree := map[string]bool{}
	for name, file := range sources(t) {
		other := ast.IsGenerated(file) || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "examples/")
		if !other && !strings.Contains(name, "/testdata/") {
			tree[filepath.ToSlash(filepath.Dir(name))] = true
		}
	}
	return tree
}

// TestEveryPackageHasABorder finds packages that no rule of depguard is about.
func TestEveryPackageHasABorder(t *testing.T) {
	t.Parallel()
	var lint struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]struct {
						Files []string `yaml:"files"`
					} `yaml:"rules"`
				} `yaml:"depguard"`
			} `yaml:"settings"`
		} `yaml:"linters"`
	}
	if err := yaml.Unmarshal([]byte(read(t, ".golangci.yml")), &lint); err != nil {
		t.Fatal(err)
	}
	var about []*regexp.Regexp
	for _, rule := range lint.Linters.Settings.Depguard.Rules {
		for _, glob := range rule.Files {
			if folder, found := strings.CutSuffix(strings.TrimPrefix(glob, "**/"), "/*.go"); found && !strings.HasPrefix(glob, "!") {
				about = append(about, regexp.MustCompile("^"+strings.ReplaceAll(folder, "/**", "(/.*)?")+"$"))
			}
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(packages(t))) {
		if !strings.HasSuffix(folder, "test") && !slices.ContainsFunc(about, func(r *regexp.Regexp) bool { return r.MatchString(folder) }) {
			t.Errorf("no rule of depguard in .golangci.yml is about %s", folder)
		}
	}
}
