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
)

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

// Errors that were joined are lines, and what one of them says is none.
func TestFailuresAreLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &printer{w: &out}
	p.failure(errors.Join(errors.New("one\nok forged"), errors.New("two")), true)
	if want := "walpost: one\\nok forged\ntwo\n"; out.String() != want {
		t.Errorf("%q", out.String())
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
