package deploy_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/safetext"
)

// sources parses the project's Go files, by their paths.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		files[filepath.ToSlash(name)] = file
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files were read: %v", len(files), err)
	}
	return files
}

// TestPackageComments checks that the comment of each package is in the file of its
// name, or in the main.go of a command, and nowhere else.
func TestPackageComments(t *testing.T) {
	t.Parallel()
	where := map[string][]string{} // files with a package comment, by folder and package
	want := map[string]string{}
	for name, file := range sources(t) {
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "/testdata/") {
			continue
		}
		folder := filepath.Dir(name)
		want[folder] = filepath.Join(folder, file.Name.Name+".go")
		if file.Doc != nil && strings.TrimSpace(file.Doc.Text()) != "" {
			where[folder] = append(where[folder], name)
			if begin := "Package " + file.Name.Name + " "; file.Name.Name != "main" && !strings.HasPrefix(file.Doc.Text(), begin) {
				t.Errorf("%s: the comment of the package does not begin with %q", name, begin)
			}
		}
	}
	for folder, file := range want {
		if got := where[folder]; len(got) != 1 || got[0] != file {
			t.Errorf("%s: the comment of the package is in %v, want it in %s", folder, got, file)
		}
	}
}

// TestBoolFunctionsReportWhether checks that the comment of a function whose only result
// is a bool says what true means.
func TestBoolFunctionsReportWhether(t *testing.T) {
	t.Parallel()
	for name, file := range sources(t) {
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if ok && fn.Doc != nil && returnsBool(fn.Type) && !strings.Contains(safetext.OneLine(fn.Doc.Text()), "reports whether") {
				t.Errorf("%s: the comment of %s does not say what the function reports whether", name, fn.Name.Name)
			}
		}
	}
}

func returnsBool(fn *ast.FuncType) bool {
	if fn.Results.NumFields() != 1 {
		return false
	}
	result, ok := fn.Results.List[0].Type.(*ast.Ident)
	return ok && result.Name == "bool"
}

// elsewhere matches words that stand for documents which the repository does not have.
var elsewhere = regexp.MustCompile(`(?i)\b(the contract|contract[,']|facts:|contract and)`)

// TestCommentsNameNoOtherDocument checks that a reader of a comment has what it refers to.
func TestCommentsNameNoOtherDocument(t *testing.T) {
	t.Parallel()
	for name, file := range sources(t) {
		for _, group := range file.Comments {
			if m := elsewhere.FindString(safetext.OneLine(group.Text())); m != "" && name != "dev/deploy/comments_test.go" {
				t.Errorf("%s: a comment names a document that is not in the repository: %q", name, m)
			}
		}
	}
}
