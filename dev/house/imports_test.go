package house_test

import (
	"go/parser"
	"go/token"
	"path"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/walpost/walpost/"

// What tests build on is not in the binary, whoever adds a package for tests: the linter
// names those that there are. That no import cycle goes through them, the compiler sees.
func TestProductImportsNothingOfTheTests(t *testing.T) {
	t.Parallel()
	for _, f := range source(t) {
		if forTests(f.room()) {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), root+"/"+f.path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if within, ours := strings.CutPrefix(imported, module); imported == "testing" || ours && forTests(within) {
				t.Errorf("%s imports %s, which is for tests", f.path, imported)
			}
		}
	}
}

// forTests reports whether a package is one of those that prove the product.
func forTests(folder string) bool {
	return strings.HasPrefix(folder, "dev/") || strings.HasSuffix(path.Base(folder), "test")
}
