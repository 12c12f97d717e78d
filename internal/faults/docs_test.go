package faults_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the project's folder.
const root = "../.."

// named is a test, or with … a family of them, as the documents write it: in the
// package named before it in the same line.
var named = regexp.MustCompile("`(?:((?:cmd|internal|pkg)/[a-z0-9/]+): )?(Test[A-Za-z0-9_]+)(…?)`")

// The documents promise nothing that no test shows: each test they name is there.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	known := map[string][]string{}
	for _, page := range []string{"delivery.md", "faults.md", "design.md"} {
		text, err := os.ReadFile(filepath.Join(root, "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for i, line := range strings.Split(string(text), "\n") {
			folder := ""
			for _, m := range named.FindAllStringSubmatch(line, -1) {
				if m[1] != "" {
					folder = m[1]
				}
				if folder == "" {
					t.Errorf("%s:%d: %s without its package", page, i+1, m[2])
					continue
				}
				seen++
				if known[folder] == nil {
					known[folder] = tests(t, filepath.Join(root, folder))
				}
				if !isThere(known[folder], m[2], m[3] != "") {
					t.Errorf("%s:%d: there is no %s in %s", page, i+1, m[2], folder)
				}
			}
		}
		if seen == 0 && page != "design.md" {
			t.Errorf("%s names no test", page)
		}
	}
}

func isThere(tests []string, name string, family bool) bool {
	for _, test := range tests {
		if test == name || family && strings.HasPrefix(test, name) {
			return true
		}
	}
	return false
}

// tests are the names of the tests of a folder, whatever their build tags.
func tests(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{""} // not nil: the folder was looked at
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

// Every row of the matrix has its line: what is shown, or why it is not.
func TestEveryRowOfTheMatrixIsAnswered(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "docs", "faults.md"))
	if err != nil {
		t.Fatal(err)
	}
	answered := map[int]bool{}
	for line := range strings.SplitSeq(string(text), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		for part := range strings.SplitSeq(cells[1], ",") {
			first, last, isRange := strings.Cut(strings.TrimSpace(part), "–")
			from, to := number(first), number(last)
			if !isRange {
				to = from
			}
			for n := from; n > 0 && n <= to; n++ {
				answered[n] = true
			}
		}
	}
	const rows = 76
	for n := 1; n <= rows; n++ {
		if !answered[n] {
			t.Errorf("row %d is not in docs/faults.md", n)
		}
	}
}

func number(s string) int {
	n := 0
	for _, r := range s {
		if r < '0' || r > '9' {
			return 0
		}
		n = n*10 + int(r-'0')
	}
	return n
}
