package libraries_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A service needs no type of sarama: what libraries export names one in the field ConfigureSarama alone, which follows
// sarama's versions.
func TestSaramaIsInOneHook(t *testing.T) {
	t.Parallel()
	var hooks []string
	for _, folder := range []string{"inbox", "inbox/deadletter", "inbox/inboxprom", "projection"} {
		names, err := filepath.Glob(filepath.Join("../../pkg", folder, "*.go"))
		if err != nil || len(names) == 0 {
			t.Fatal(folder, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.FileExports(file)
			for _, decl := range file.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok {
					if f.Body = nil; f.Recv != nil && !exported(f.Recv.List[0].Type) {
						continue
					}
				}
				for _, field := range namesSarama(decl) {
					hooks = append(hooks, folder+" "+field)
				}
			}
		}
	}
	want := []string{"inbox ConfigureSarama", "inbox/deadletter ConfigureSarama", "projection ConfigureSarama"}
	if slices.Sort(hooks); !slices.Equal(hooks, want) {
		t.Errorf("types of sarama are exported by %q, want %q", hooks, want)
	}
}

// exported reports whether the type of a receiver is exported.
func exported(receiver ast.Expr) bool {
	name := ""
	ast.Inspect(receiver, func(n ast.Node) bool {
		if x, ok := n.(*ast.Ident); ok && name == "" {
			name = x.Name
		}
		return true
	})
	return ast.IsExported(name)
}

// namesSarama returns the fields, or what they belong to, that have a type of sarama.
func namesSarama(decl ast.Decl) (found []string) {
	place := "?"
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			if len(n.Names) > 0 {
				place = n.Names[0].Name
			}
		case *ast.FuncDecl:
			place = n.Name.Name
		case *ast.ValueSpec: // its value is not its type
			return n.Type != nil
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "sarama" {
				found = append(found, place)
			}
		}
		return true
	})
	return found
}
