package pgname_test

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/pgname"
)

func TestParseTable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]pgname.Table{
		"outbox": {Schema: "public", Name: "outbox"}, "Sales.OutBox": {Schema: "sales", Name: "outbox"},
		`"My Schema"."Outbox"`: {Schema: "My Schema", Name: "Outbox"}, `"a""b"."c.d"`: {Schema: `a"b`, Name: "c.d"},
		`s."O"`: {Schema: "s", Name: "O"}, "_o$1": {Schema: "public", Name: "_o$1"}, "Ünï.Ö": {Schema: "Ünï", Name: "Ö"},
	} {
		got, err := pgname.ParseTable(text)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
		if again, err := pgname.ParseTable(got.String()); err != nil || again != want {
			t.Errorf("%s is written as %s: %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", ".", "a.", ".a", "a..b", "a b", `"a`, `"a"b`, `""`, "1a", "a.b.c", "a-b", strings.Repeat("a", 64),
		`"` + strings.Repeat("é", 32) + `"`,
	} {
		if got, err := pgname.ParseTable(text); err == nil {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

func TestIsTableTakesNamesThatTheServerCuts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"inbox": true, `"My Schema"."In""box"`: true, "a.b": true, strings.Repeat("a", 64): true,
		"": false, "a.b.c": false, "a b": false, "a;": false, `"a`: false, `""`: false, "\"a\x00\"": false, "1a": false,
	} {
		if got := pgname.IsTable(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

func TestTableIsWritten(t *testing.T) {
	t.Parallel()
	for table, want := range map[pgname.Table][2]string{
		{}:                                       {"", `"".""`},
		{Schema: "public", Name: "outbox"}:       {"public.outbox", `"public"."outbox"`},
		{Schema: `My "Schema"`, Name: "Out'box"}: {`"My ""Schema"""."Out'box"`, `"My ""Schema"""."Out'box"`},
	} {
		if table.String() != want[0] || table.Quoted() != want[1] {
			t.Errorf("%+v: %s, %s", table, table, table.Quoted())
		}
	}
}
