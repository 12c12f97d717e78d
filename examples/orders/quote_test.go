// Package orders_test holds what the documents quote to the source of the example.
package orders_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the project's folder.
const root = "../.."

// quote is a block of Go with the file it is from.
var quote = regexp.MustCompile("(?s)<!-- (examples/[a-z/]+\\.go) -->\n```go\n(.*?)```")

// What the documents show of the example is its source, line by line.
func TestDocumentsQuoteTheSource(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"README.md", "examples/orders/README.md", "docs/outbox.md", "docs/inbox.md", "docs/projection.md"} {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		quotes := quote.FindAllStringSubmatch(string(text), -1)
		if len(quotes) == 0 {
			t.Errorf("%s quotes nothing", page)
		}
		for _, q := range quotes {
			source, err := os.ReadFile(filepath.Join(root, q[1]))
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if !strings.Contains(string(source), q[2]) {
				t.Errorf("%s quotes what is not in %s:\n%s", page, q[1], q[2])
			}
		}
	}
}
