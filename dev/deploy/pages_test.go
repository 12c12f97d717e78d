package deploy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/postgres"
)

// pages are README.md and docs/*.md.
func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	list := []string{"README.md"}
	for _, p := range found {
		list = append(list, filepath.Join("docs", filepath.Base(p)))
	}
	return list
}

var (
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"`)
	letter = regexp.MustCompile(`[^a-z0-9_ -]`)
)

// anchors returns what a link to a page may name, as GitHub makes them of its headings.
func anchors(text string) map[string]bool {
	all := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		all[strings.ReplaceAll(letter.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, page := range append(pages(t), "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md") {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			to, anchor, _ := strings.Cut(m[1]+m[2], "#")
			if strings.Contains(to, "://") {
				continue
			}
			target := page
			if to != "" {
				target = filepath.Join(filepath.Dir(page), to)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: %s leads nowhere", page, m[0])
			} else if anchor != "" && !anchors(read(t, target))[anchor] {
				t.Errorf("%s: %s has no such section", page, m[0])
			}
		}
	}
}

// The README leads to every page.
func TestREADMENamesAllPages(t *testing.T) {
	t.Parallel()
	readme := read(t, "README.md")
	for _, page := range pages(t)[1:] {
		if !strings.Contains(readme, "]("+page) {
			t.Errorf("README.md does not name %s", page)
		}
	}
}

// managed-services.md gives a role behind a pooler every setting that the startup packet
// asks for, and no other.
func TestServicesNameSessionSettings(t *testing.T) {
	t.Parallel()
	var want strings.Builder
	for _, s := range postgres.SessionSettings() {
		if s.Since == 0 {
			fmt.Fprintf(&want, "ALTER ROLE walpost SET %s TO '%s';\n", s.Name, s.Value)
		}
	}
	if !strings.Contains(read(t, "docs/managed-services.md"), "```sql\n"+want.String()+"```") {
		t.Errorf("docs/managed-services.md wants\n%s", want.String())
	}
}

// The parts of files that managed-services.md shows are well, with a database put
// to them.
func TestServicesConfigurations(t *testing.T) {
	t.Parallel()
	secret := write(t, "secret", "x")
	shown := 0
	for _, b := range blocks(read(t, "docs/managed-services.md")) {
		if b.language != "yaml" {
			continue
		}
		shown++
		text := regexp.MustCompile(`\$\{file:[^}]*\}`).ReplaceAllString(b.text, "${file:"+secret+"}")
		file := write(t, "orders.yaml", "name: orders\npostgres: {url: \"postgres://walpost@db/shop\"}\n"+text)
		if _, err := config.LoadAll([]string{file}); err != nil {
			t.Errorf("%s%v", b.text, err)
		}
	}
	if shown == 0 {
		t.Error("the page shows none")
	}
}
