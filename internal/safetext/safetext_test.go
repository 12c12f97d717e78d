package safetext_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/walpost/walpost/internal/safetext"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"plain, äöü, 日本, \uFFFD":  "plain, äöü, 日本, \uFFFD",
		"a\x1b[31mRED\nok forged": `a\u001b[31mRED\nok forged`,
		"\r\t\x00\x7f":            `\r\t\u0000\u007f`,
		"\u009b2J":                `\u009b2J`,
		"\u202eevil\u2066\u2069":  `\u202eevil\u2066\u2069`,
		"\xff\xc3(":               `\xff\xc3(`,
		"\u2028":                  `\u2028`,
		`\n`:                      `\n`,
	} {
		if got := safetext.Escape(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := safetext.EscapeLines("a\n\tb\x1b\r"); got != "a\n\tb\\u001b\\r" {
		t.Errorf("%q", got)
	}
}

func TestTruncate(t *testing.T) {
	if got := safetext.TruncateName(strings.Repeat("i", 255)); len(got) != 255 {
		t.Errorf("%q", got)
	}
	if got := safetext.TruncateName(strings.Repeat("i", 1_048_000)); got != strings.Repeat("i", 255)+"…(1048000 bytes)" {
		t.Errorf("%q", got)
	}
	for n := range 8 { // wherever the limit falls in a character
		got := safetext.Truncate([]byte(strings.Repeat("x", n)+strings.Repeat("日", 100)), 100)
		if !utf8.ValidString(got) || strings.Contains(got, "\uFFFD") || len(got) > 120 {
			t.Errorf("%q", got)
		}
	}
	if got := safetext.TruncateName("a\xffb"); got != "a\uFFFDb" {
		t.Errorf("%q", got)
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("a\x1b[31m\xff\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		got := safetext.Escape(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
		}) {
			t.Errorf("%q gives %q", s, got)
		}
		if !utf8.ValidString(safetext.Truncate(s, 10)) {
			t.Errorf("%q is cut in a character", s)
		}
	})
}
