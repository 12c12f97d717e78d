package examples_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// calledByOthers are methods that no service calls: fmt, errors and slog do, or the package
// that was given the value.
var calledByOthers = []string{"Error", "Unwrap", "String", "GoString", "LogValue", "Observe"}

// The package page shows how each function and method is called: an example is named after
// it, or calls it.
func TestEveryFunctionIsShown(t *testing.T) {
	t.Parallel()
	for _, folder := range exported(t) {
		shown := shownIn(t, folder)
		for _, name := range slices.Sorted(maps.Keys(functions(t, folder))) {
			if !shown[name] && !isMethodShown(name, shown) {
				t.Errorf("pkg/%s: no example shows %s", folder, name)
			}
		}
	}
}

// isMethodShown reports whether an example calls a method of this name, or no service does.
func isMethodShown(name string, shown map[string]bool) bool {
	_, method, isMethod := strings.Cut(name, ".")
	return isMethod && (shown["."+method] || slices.Contains(calledByOthers, method))
}

// exported returns the folders under pkg/ that a service can import.
func exported(t *testing.T) (folders []string) {
	t.Helper()
	err := filepath.WalkDir(pkg, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "internal":
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go"):
			return nil
		}
		folder, err := filepath.Rel(pkg, filepath.Dir(path))
		folders = append(folders, filepath.ToSlash(folder))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(folders)
	if folders = slices.Compact(folders); len(folders) < 7 {
		t.Fatalf("packages %v: these are not all", folders)
	}
	return folders
}

// functions returns the exported functions of a package, as Name, and the exported methods of
// its exported types, as Type.Name.
func functions(t *testing.T, folder string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, fn := range declared(t, folder, false) {
		name := fn.Name.Name
		if fn.Recv != nil {
			name = receiver(fn.Recv.List[0].Type) + "." + name
		}
		if ast.IsExported(name) && fn.Name.IsExported() {
			names[name] = true
		}
	}
	if len(names) == 0 {
		t.Errorf("pkg/%s has no function", folder)
	}
	return names
}

// receiver returns the name of a method's type.
func receiver(expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	default:
		return ""
	}
}

// shownIn returns what the examples of a package show: Name and Type.Name of what they are
// named after and of the functions that they call, .Name of methods that they call.
func shownIn(t *testing.T, folder string) map[string]bool {
	t.Helper()
	shown := map[string]bool{}
	for _, fn := range declared(t, folder, true) {
		name, isExample := strings.CutPrefix(fn.Name.Name, "Example")
		if !isExample {
			continue
		}
		parts := strings.Split(name, "_")
		if last := len(parts) - 1; !ast.IsExported(parts[last]) {
			parts = parts[:last] // a suffix that tells several examples apart
		}
		shown[strings.Join(parts, ".")] = true
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			call, isSelector := n.(*ast.SelectorExpr)
			if !isSelector {
				return true
			}
			if x, isName := call.X.(*ast.Ident); isName && x.Name == filepath.Base(folder) {
				shown[call.Sel.Name] = true
				return true
			}
			shown["."+call.Sel.Name] = true
			return true
		})
	}
	return shown
}

// declared returns the functions and methods in a package's files, or in those of its tests.
func declared(t *testing.T, folder string, tests bool) (all []*ast.FuncDecl) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(pkg, folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") != tests {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			if fn, isFunc := decl.(*ast.FuncDecl); isFunc {
				all = append(all, fn)
			}
		}
	}
	return all
}
