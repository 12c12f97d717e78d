package snippets_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(clitest.Main(m, &stack)) }

// root is the project's folder, seen from this package's.
const root = "../.."

// read returns the text of a file of the project.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// write creates a file in a folder.
func write(t *testing.T, folder, name, text string) string {
	t.Helper()
	file := filepath.Join(folder, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A comment before a block of a page names the file that the block is in a test:
//
//	<!-- snippet: NAME -->
var named = regexp.MustCompile("(?ms)^<!-- snippet: ([A-Za-z_.]+) -->\n```[a-z]+\n(.*?)^```\n")

// snippet returns the block of a page that has a name.
func snippet(t *testing.T, page, name string) string {
	t.Helper()
	for _, m := range named.FindAllStringSubmatch(read(t, page), -1) {
		if m[1] == name {
			return m[2]
		}
	}
	t.Fatalf("%s has no <!-- snippet: %s -->", page, name)
	return ""
}
