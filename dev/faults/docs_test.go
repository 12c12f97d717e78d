package faults_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// root is the project's folder.
const root = "../.."

// named is a test, or with … a family of them, as the documents write it: in the
// package named before it in the same line.
var named = regexp.MustCompile("`(?:((?:cmd|internal|dev|pkg)/[a-z0-9/]+): )?(Test[A-Za-z0-9_]+)(…?)`")

// The documents promise nothing that no test shows: each test they name is there.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	known := map[string][]string{}
	for _, page := range []string{"docs/delivery.md", "docs/faults.md", "docs/design.md", "SECURITY.md"} {
		text, err := os.ReadFile(filepath.Join(root, page))
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
		if seen == 0 && page != "docs/design.md" {
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

// The numbers up to matrixRows are those of the first matrix of faults, without a gap.
const matrixRows = 76

// Every row of the matrix has its line, and one only: what is shown, or why it is not.
// Rows that came later are numbered from matrixRows on, with gaps between those that
// came together.
func TestEveryRowOfTheMatrixIsAnswered(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "docs", "faults.md"))
	if err != nil {
		t.Fatal(err)
	}
	answers := answersOf(t, string(text))
	for n := 1; n <= matrixRows; n++ {
		if len(answers[n]) == 0 {
			t.Errorf("row %d is not in docs/faults.md", n)
		}
	}
	for n, lines := range answers {
		if len(lines) > 1 {
			t.Errorf("row %d is answered more than once in docs/faults.md, in the lines %v", n, lines)
		}
	}
}

// answersOf returns the lines of the page that answer each row.
func answersOf(t *testing.T, page string) map[int][]int {
	t.Helper()
	answers := map[int][]int{}
	for i, line := range strings.Split(page, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		first := strings.TrimSpace(cells[1])
		if first == "#" || first == "–" || strings.Trim(first, "-") == "" {
			continue // a head, or a line without a row
		}
		for part := range strings.SplitSeq(first, ",") {
			low, high, isRange := strings.Cut(strings.TrimSpace(part), "–")
			if !isRange {
				high = low
			}
			from, fromErr := strconv.Atoi(low)
			to, toErr := strconv.Atoi(high)
			if err := errors.Join(fromErr, toErr); err != nil || from > to {
				t.Errorf("docs/faults.md:%d: %q is no number of a row", i+1, first)
				continue
			}
			for n := from; n <= to; n++ {
				answers[n] = append(answers[n], i+1)
			}
		}
	}
	return answers
}

// rowOf is the number in the name of a test of a row; ranges, as in
// TestRow47to51_…, begin with it.
var rowOf = regexp.MustCompile(`^TestRow0*([0-9]+)`)

// A test that bears the number of a row stands for a row of the page.
func TestRowsInTestNamesAreAnswered(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "docs", "faults.md"))
	if err != nil {
		t.Fatal(err)
	}
	answers, seen := answersOf(t, string(text)), 0
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		for _, name := range tests(t, path) {
			m := rowOf.FindStringSubmatch(name)
			if m == nil {
				continue
			}
			seen++
			if n, err := strconv.Atoi(m[1]); err != nil || len(answers[n]) == 0 {
				t.Errorf("%s: %s bears the number of no row of docs/faults.md", path, name)
			}
		}
		return nil
	})
	if err != nil || seen == 0 {
		t.Errorf("%d tests of rows: %v", seen, err)
	}
}
