package libraries_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever implements a type of a library is told how it may grow.
func TestWhatServicesImplementIsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs", "stability.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## What may grow in the Go packages\n")
	table, _, found := strings.Cut(table, "\n## ")
	if !found {
		t.Fatal("docs/stability.md has no section: What may grow in the Go packages")
	}
	implemented := implementedTypes(t)
	if len(implemented) == 0 {
		t.Fatal("no types")
	}
	for _, name := range implemented {
		if !strings.Contains(table, "`"+name+"`") {
			t.Errorf("docs/stability.md does not say how %s may grow", name)
		}
	}
}

// implementedTypes returns the exported interfaces, types of functions, and structs of
// functions alone.
func implementedTypes(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, "pkg"), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "internal" || entry.Name() == "testdata"):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, is := n.(*ast.TypeSpec); is && spec.Name.IsExported() && isImplemented(spec.Type) {
				names = append(names, file.Name.Name+"."+spec.Name.Name)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func isImplemented(expr ast.Expr) bool {
	switch kind := expr.(type) {
	case *ast.InterfaceType, *ast.FuncType:
		return true
	case *ast.StructType:
		functions := 0
		for _, field := range kind.Fields.List {
			switch _, is := field.Type.(*ast.FuncType); {
			case is:
				functions++
			case len(field.Names) > 0 && field.Names[0].Name != "_":
				return false
			}
		}
		return functions > 0
	}
	return false
}
