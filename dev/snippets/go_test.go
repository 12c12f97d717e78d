package snippets_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/walpost/walpost/pkg/inbox"
)

// fragment is a piece of Go that a page or a package comment shows.
type fragment struct{ place, text string }

var (
	goBlock = regexp.MustCompile("(?ms)(<!-- examples/[^\n]*-->\n)?^```go\n(.*?)^```")
	dots    = regexp.MustCompile(`(?m)^\.\.\.( //.*)?$`)
)

// fragments returns those of README.md, docs/ and the package comments. What is quoted from examples/ is compiled there.
func fragments(t *testing.T) []fragment {
	t.Helper()
	var all []fragment
	for _, pattern := range []string{"README.md", "docs/*.md"} {
		for _, page := range glob(t, pattern) {
			for i, m := range goBlock.FindAllStringSubmatch(read(t, page), -1) {
				if m[1] == "" {
					all = append(all, fragment{fmt.Sprintf("%s, block %d of Go", page, i+1), m[2]})
				}
			}
		}
	}
	for _, pattern := range []string{"pkg/*/*.go", "pkg/*/*/*.go"} {
		for _, file := range glob(t, pattern) {
			const mode = parser.PackageClauseOnly | parser.ParseComments
			parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, mode)
			if err != nil {
				t.Fatal(err)
			}
			for _, block := range new(comment.Parser).Parse(parsed.Doc.Text()).Content {
				if code, ok := block.(*comment.Code); ok {
					all = append(all, fragment{file + ", the package comment", code.Text})
				}
			}
		}
	}
	return all
}

// glob returns the files of the project that match, seen from its folder.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil {
		t.Fatal(err)
	}
	for i := range found {
		if found[i], err = filepath.Rel(root, found[i]); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// Each piece of Go that users are shown compiles against the packages, with the variables of testdata/snippet.go.
func TestGoCompiles(t *testing.T) {
	t.Parallel()
	set := token.NewFileSet()
	preamble, err := parser.ParseFile(set, testdata(t, "snippet.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	imports := map[string]string{} // by name
	for _, i := range preamble.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		imports[regexp.MustCompile(`/v[0-9]+$`).ReplaceAllString(path, "")] = path
	}
	packages := load(t, set, imports)
	seen := 0
	for _, f := range fragments(t) {
		seen++
		if err := compiles(set, packages, preamble, imports, f); err != nil {
			t.Errorf("%s: %v\n%s", f.place, err, f.text)
		}
	}
	if seen < 12 {
		t.Errorf("%d pieces of Go: the pages have more", seen)
	}
	nonsense := fragment{"nonsense", "outbox.Write(ctx, db, outbox.Event{})\n"}
	if compiles(set, packages, preamble, imports, nonsense) == nil {
		t.Error("a pool is taken for a transaction")
	}
}

// compiles checks the types of a fragment. A name or an import that it does not use is no error: it is a fragment.
func compiles(set *token.FileSet, packages types.Importer, preamble *ast.File, imports map[string]string, f fragment) error {
	text := dots.ReplaceAllString(f.text, "")
	if strings.HasPrefix(text, "func ") {
		text = regexp.MustCompile(`^func [a-zA-Z]+`).ReplaceAllString(text, "func _")
	} else {
		text = "func _() error {\n" + text + "\nreturn nil\n}\n"
	}
	var head strings.Builder
	for long, path := range imports {
		if strings.Contains(text, long[strings.LastIndex(long, "/")+1:]+".") {
			fmt.Fprintf(&head, "import %q\n", path)
		}
	}
	file, err := parser.ParseFile(set, f.place, "package snippet\n"+head.String()+text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	var found []error
	config := types.Config{Importer: packages, Error: func(err error) {
		if e, ok := errors.AsType[types.Error](err); !ok || !e.Soft {
			found = append(found, err)
		}
	}}
	_, _ = config.Check("snippet", set, []*ast.File{preamble, file}, nil) // Error has them all
	return errors.Join(found...)
}

// load returns an importer of these packages. The one of OpenTelemetry, which the module does not need, is in testdata.
func load(t *testing.T, set *token.FileSet, imports map[string]string) types.Importer {
	t.Helper()
	const foreign = "go.opentelemetry.io/otel/propagation"
	argv := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}
	for _, path := range imports {
		if path != foreign {
			argv = append(argv, path)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", argv...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		exports[path] = file
	}
	gc := importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	file, err := parser.ParseFile(set, testdata(t, "propagation/propagation.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	stub, err := (&types.Config{Importer: gc}).Check(foreign, set, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return with{gc, stub}
}

// with is an importer that has one package more.
type with struct {
	types.Importer
	stub *types.Package
}

func (w with) Import(path string) (*types.Package, error) {
	if path == w.stub.Path() {
		return w.stub, nil
	}
	return w.Importer.Import(path)
}

// Whoever copies the first piece of code of a page sees in the log what is wrong, such as a mistyped broker.
func TestGoLogs(t *testing.T) {
	t.Parallel()
	runs := regexp.MustCompile(`(inbox|projection)\.New\(`)
	for _, f := range fragments(t) {
		if runs.MatchString(f.text) && !strings.Contains(f.text, "slog.Default()") {
			t.Errorf("%s does not log:\n%s", f.place, f.text)
		}
	}
}

// The table of docs/getting-started.md is the one that pkg/inbox needs.
func TestGettingStartedHasTheInbox(t *testing.T) {
	t.Parallel()
	ddl, err := inbox.DDL("")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(read(t, "docs/getting-started.md"), ddl) {
		t.Errorf("docs/getting-started.md wants\n%s", ddl)
	}
}
