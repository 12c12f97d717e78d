package vectortest_test

import (
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/router/vectortest"
)

var update = flag.Bool("update", false, "write the list of vectors into docs/debezium.md")

const (
	vectors = "../../../testdata/vectors/"
	page    = "../../../docs/debezium.md"
	begin   = "<!-- vectors: made by go test ./internal/router/vectortest -update -->\n"
	end     = "<!-- end of vectors -->\n"
)

// The page lists every vector that does not apply, with the reason the tests
// go by. It is made, so that it cannot rot.
func TestPageListsVectorsThatDoNotApply(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(text), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s: marks not found", page)
	}
	list := listed(t)
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+list+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != list {
		t.Errorf("%s does not list the vectors as they are: go test ./internal/router/vectortest -update", page)
	}
}

// listed writes the list: both files, the cases that do not apply, and why.
func listed(t *testing.T) string {
	golden, err := vectortest.ReadGolden(vectors + "golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var rows table
	for _, c := range golden {
		_, reason := c.Mapping()
		rows.add(c.Name, reason)
	}
	text := rows.text("golden.jsonl")

	smt, err := vectortest.ReadEventRouter(vectors + "eventrouter.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	rows = table{}
	for _, c := range smt {
		_, reason := c.Variants()
		rows.add(c.Case, reason)
	}
	return text + rows.text("eventrouter.jsonl")
}

type table struct {
	applies, others int
	rows            strings.Builder
}

func (t *table) add(name, reason string) {
	if reason == "" {
		t.applies++
		return
	}
	t.others++
	t.rows.WriteString("| " + strings.ReplaceAll(name, "|", `\|`) + " | " + reason + " |\n")
}

func (t *table) text(file string) string {
	return "\n### " + file + "\n\n" + strconv.Itoa(t.applies) + " cases apply and are tested, " + strconv.Itoa(t.others) +
		" do not:\n\n| case | why not |\n|---|---|\n" + t.rows.String() + "\n"
}

// Every case that applies has what a test of the whole path needs.
func TestGoldenCasesAreWhole(t *testing.T) {
	cases, err := vectortest.ReadGolden(vectors + "golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	applies := 0
	for _, c := range cases {
		m, reason := c.Mapping()
		if reason != "" {
			continue
		}
		applies++
		if c.DDL == "" || len(c.SQL) == 0 || len(c.Records) == 0 || c.Partitions != 12 {
			t.Errorf("%s: ddl %q, %d statements, %d records, %d partitions", c.Name, c.DDL, len(c.SQL), len(c.Records), c.Partitions)
		}
		for _, rec := range c.Records {
			if want := len(m.Headers) + 1; len(rec.Headers) != want {
				t.Errorf("%s: %d headers, want %d", c.Name, len(rec.Headers), want)
			}
		}
	}
	if applies < 60 {
		t.Errorf("%d of %d cases apply", applies, len(cases))
	}
}
