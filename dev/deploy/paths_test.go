package deploy_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// namedPath matches a path of the project in a text. Its last group is the beginning of a
// pattern, such as the * of docs/*.md: only the folder before it is checked.
var namedPath = regexp.MustCompile(`(^|[\s"'(=\x60])((?:cmd|deploy|dev|docs|examples|internal|pkg|testdata)/[A-Za-z0-9_./-]*)([*…{<$%]?)`)

// TestNamedPathsExist checks the paths of the project that Markdown files, Go comments, the
// Makefile and the files of deploy/ name.
func TestNamedPathsExist(t *testing.T) {
	t.Parallel()
	seen := 0
	check := func(file, text string) {
		for _, m := range namedPath.FindAllStringSubmatch(text, -1) {
			seen++
			name := strings.TrimRight(m[2], ".")
			if m[3] != "" {
				name = filepath.Dir(name + "x")
			}
			if strings.Contains(name, "NAME") { // stands for any name
				name = filepath.Dir(name)
			}
			if !exists(name) && !exists(filepath.Join(filepath.Dir(file), name)) { // testdata is a package's own, too
				t.Errorf("%s names %s, which does not exist", file, m[2]+m[3])
			}
		}
	}
	for name, file := range sources(t) {
		for _, group := range file.Comments {
			check(name, group.Text())
		}
	}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir() && (name == ".git" || entry.Name() == "testdata"):
			return filepath.SkipDir
		case entry.IsDir(), name == "CHANGELOG.md": // it names what was
		case strings.HasSuffix(name, ".md"), name == "Makefile", strings.HasPrefix(name, "deploy/") && !strings.HasSuffix(name, ".json"):
			check(name, read(t, name))
		}
		return nil
	})
	if err != nil || seen < 100 {
		t.Errorf("%d paths were checked: %v", seen, err)
	}
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join(root, name))
	return err == nil
}
