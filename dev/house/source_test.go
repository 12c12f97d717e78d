package house_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// root is the folder of the project.
const root = "../.."

// function is one with a body.
type function struct {
	name  string // with its receiver
	place string // file:line
	lines int
}

// file is a Go file that is no test.
type file struct {
	path      string // from root
	lines     int
	functions []function
	generated bool
}

// room is the folder of the file.
func (f *file) room() string { return filepath.ToSlash(filepath.Dir(f.path)) }

// source reads all Go files of all modules that are neither tests nor generated.
func source(t *testing.T) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "dist" || name == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := read(path)
		if !f.generated {
			files = append(files, f)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("%d files: that is not the whole module", len(files))
	}
	return files
}

func read(path string) (file, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return file{}, err
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		return file{}, err
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return file{}, err
	}
	f := file{path: name, lines: bytes.Count(text, []byte("\n")), generated: ast.IsGenerated(parsed)}
	for _, decl := range parsed.Decls {
		if fn, is := decl.(*ast.FuncDecl); is && fn.Body != nil {
			from, to := set.Position(fn.Pos()), set.Position(fn.End())
			f.functions = append(f.functions, function{receiver(fn) + fn.Name.Name, from.String(), to.Line - from.Line + 1})
		}
	}
	return f, nil
}

// receiver is the name of the type that a method is of, and a dot.
func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return ""
	}
	name := ""
	ast.Inspect(fn.Recv.List[0].Type, func(n ast.Node) bool {
		if id, is := n.(*ast.Ident); is && name == "" {
			name = id.Name + "."
		}
		return true
	})
	return name
}
