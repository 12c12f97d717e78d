package cli

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/preflight"
)

func TestBytesText(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 16777216: "16.0 MiB", 3 << 40: "3.0 TiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	t.Parallel()
	f, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if isTerminal(f) || isTerminal(&bytes.Buffer{}) {
		t.Error("taken for a terminal")
	}
}

func someChecks() checked {
	return checked{Relay: "orders", State: preflight.Failed, Requirements: []finding{
		{Of: "postgres", Requirement: preflight.Requirement{Name: "wal_level", State: preflight.OK, Detail: "logical"}},
		{Of: "postgres", Requirement: preflight.Requirement{
			Name: "table", State: preflight.Failed, Detail: "public.outbox does not exist",
			Fix: "CREATE TABLE public.outbox (\n    id uuid\n)",
		}},
	}}
}

// A program gets one line per requirement, whatever is in it.
func TestPlainChecksAreOneLineEach(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	p := &printer{w: &w}
	p.checked(someChecks(), true)
	want := "orders: ok postgres wal_level: logical\n" +
		"orders: failed postgres table: public.outbox does not exist; fix: CREATE TABLE public.outbox ( id uuid )\n"
	if w.String() != want || p.err != nil {
		t.Errorf("%q", w.String())
	}
}

func TestChecksForPeople(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	var w bytes.Buffer
	p := &printer{w: &w, human: true}
	p.checked(someChecks(), false)
	for _, text := range []string{
		"\x1b[1morders\x1b[0m\n", "\x1b[32mok     \x1b[0m postgres wal_level", "\x1b[31mfailed \x1b[0m", "CREATE TABLE public.outbox (\n",
	} {
		if !strings.Contains(w.String(), text) {
			t.Errorf("no %q in %q", text, w.String())
		}
	}
	t.Setenv("NO_COLOR", "1")
	w.Reset()
	p.checked(someChecks(), false)
	if strings.Contains(w.String(), "\x1b") {
		t.Errorf("coloured under NO_COLOR: %q", w.String())
	}
}

// What is put into a line is escaped, whatever its type and verb; formats, colours and
// lines of our own are not.
func TestPrinterEscapes(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	const bad = "a\x1b[31m\nb"
	var out bytes.Buffer
	p := &printer{w: &screen{&out}, human: true}
	type name string
	p.line("%s|%v|%q|%6s|%-4s|%d|%s|%v|%x", bad, name(bad), bad, "\n", "x", 7, errors.New(bad), []string{bad}, "\n")
	p.line("%s %s", p.paint(styleBold, bad), say("k=%s", bad))
	p.line("%s", lines("SELECT\n\t'\x1b'"))
	p.words([]safe{"one", say("%s", bad)})
	p.prompt("%s? ", bad)
	const same = `a\u001b[31m\nb`
	want := same + "|" + same + `|"a\x1b[31m\nb"|    \n|x   |7|` + same + "|[" + same + "]|0a\n" +
		"\x1b[1m" + same + "\x1b[0m k=" + same + "\n" +
		"SELECT\n\t'\\u001b'\n" +
		"one " + same + "\n" + same + "? "
	if out.String() != want || p.err != nil {
		t.Errorf("%q, want\n%q", out.String(), want)
	}
}

// Only print.go writes to the terminal: elsewhere nothing but the streams is written
// to, which Main makes screens of.
func TestOnlyOutputWrites(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || file == "print.go" {
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := selector.X.(*ast.Ident)
			if ok && slices.Contains([]string{
				"fmt.Fprint", "fmt.Fprintf", "fmt.Fprintln", "fmt.Print", "fmt.Printf", "fmt.Println", "os.Stdout", "os.Stderr",
			}, pkg.Name+"."+selector.Sel.Name) {
				t.Errorf("%s uses %s.%s: write with a printer", file, pkg.Name, selector.Sel.Name)
			}
			return true
		})
	}
	if _, err := os.Stat("print.go"); err != nil {
		t.Error(err)
	}
}
