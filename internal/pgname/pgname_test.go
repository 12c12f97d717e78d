package pgname_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
)

func TestQuoteAsPgxDoes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "A b", `a"b`, "a\x00b", "é", ""} {
		if got, want := pgname.Quote(name), (pgx.Identifier{name}).Sanitize(); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

func TestQuoteIfNeeded(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"a_1": "a_1", "1a": `"1a"`, "A": `"A"`, "": `""`, "é": `"é"`, "a$": `"a$"`} {
		if got := pgname.QuoteIfNeeded(name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

func TestLiterals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"":     {"''", "''"},
		"it's": {"'it''s'", "'it''s'"},
		`a\'b`: {`E'a\\''b'`, `'a\''b'`},
	} {
		if got := pgname.Literal(text); got != want[0] {
			t.Errorf("%q: %s, want %s", text, got, want[0])
		}
		if got := pgname.CommandLiteral(text); got != want[1] {
			t.Errorf("%q: %s, want %s", text, got, want[1])
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a": "", strings.Repeat("a", 63): "", strings.Repeat("a", 64): "at most 63 bytes",
		"": "want a name", "a\x00": "without NUL", "\xff": "UTF-8",
	} {
		err := pgname.Check(name)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}
