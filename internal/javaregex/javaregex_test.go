package javaregex_test

import (
	"errors"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/javaregex"
)

func TestReplaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ expression, replacement, text, want string }{
		{`(?<routedByValue>.*)`, "outbox.event.${routedByValue}", "Order", "outbox.event.Order"},
		{`(?<routedByValue>[A-Z][a-z]+)(.*)`, "ev.${routedByValue}-$2", "Order", "ev.Order-"},
		{"Ord", "x", "Order", "Order"}, // only the whole text counts
		{"(.*)", `a\$b.$1`, "Order", "a$b.Order"},
		{"(.)(.*)", "$12", "ab", "a2"},  // there is no group 12
		{"(.*?)", "x.$1", "ab", "x.ab"}, // find() is lazy, although matches() was not
		{"a|ab", "x", "ab", "xb"},
		{"(x)?a", "<$1>", "a", "<>"},
		{"(?i)K", "x", "\u212a", "\u212a"}, // without u the case of ASCII only
		{`\s`, "x", "\v", "x"},
		{".*", "x", "a\rb", "a\rb"},
		{`\p{Alpha}+`, "x", "é", "é"},
	} {
		r, err := javaregex.New(c.expression, c.replacement)
		if err != nil {
			t.Errorf("%s: %v", c.expression, err)
			continue
		}
		if got := r.Replace(c.text); got != c.want {
			t.Errorf("%s, %s: %q became %q, want %q", c.expression, c.replacement, c.text, got, c.want)
		}
	}
}

func TestLongTextsAreNotMatched(t *testing.T) {
	t.Parallel()
	r, err := javaregex.New(".*", "x")
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Repeat("a", javaregex.MaxText); r.Replace(text) != "x" || r.Replace(text+"a") != text+"a" {
		t.Error("the bound is not at MaxText")
	}
}

func TestRefusesInWords(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		" [[a-z]": "class in a class at character 3", "[a": "a [ without its ] at character 1",
		"(a": "a ( without its )", "a)": "a ) without its (",
		"(?=a)b": "look-ahead or look-behind", "(?!a)b": "look-ahead", "(?<=a)b": "look-behind", "(?<!a)b": "look-behind",
		"(?>a)": "atomic group", "a*+": "possessive quantifier", "a++": "possessive", "a?+": "possessive",
		"a{2}+": "possessive",
		`(a)\1`: "back-reference", `(?<n>a)\k<n>`: "back-reference", `\bOrder\b`: `\b at character 1, which walpost does not have`,
		`\R`: `\R`, `\X`: `\X`, `\G`: `\G`,
		"(?P<n>a)": "(?<name>", "(?m)a": "flag m", "(?x) a": "flag x", "(?u)a": "flag u", "(?U)a": "flag U", "(?d)a": "flag d",
		"(?<1>a)": "name is not of letters", "(?<n>a)(?<n>b)": "two groups with the name n", "(?<n": "name is not",
		"(?<>a)": "name is not",
		"*a":     "nothing to repeat", "a**": "two quantifiers in a row", "a{x}": "a { that is no repetition",
		"a{2,1}": "end is below its beginning",
		"(a*)*":  "matches nothing as well", "(a|)+": "matches nothing as well", "^*a": "quantifier after the beginning",
		"a$b":   "after the end of the text",
		"[z-a]": "end comes before", "[]a]": "begins with ]", "[a&&b]": "intersection", `[a-\d]`: "ends with a class",
		`\p{IsLatin}`: `\p{IsLatin}`,
		`\p{L`:        `without its }`, `(?i)\p{Lu}`: "flag i", `\x4`: "hexadecimal", `\x{110000}`: "hexadecimal",
		`\uD83D\uDE00`: "hexadecimal", `\y`: `\y at character 1, which is no escape in Java`,
		`a\`: `a \ at its end`, `\01`: `\xhh`, `\cA`: `\xhh`, `a\E`: `\E without \Q`, "a{1001}": "too large",
		"((a{100}){100}){100}": "too large", "([a-z]{110}){100}": "too large",
		"(?i": "without its )", "(?i)*": "quantifier after flags", "(?--i)": "two -",
		"\x00": "NUL", strings.Repeat("(", 200): "in more than 100 groups",
	} {
		r, err := javaregex.New(expression, "x")
		var refused *javaregex.Error
		if !errors.As(err, &refused) || refused.Replacement || !strings.Contains(refused.Text, want) {
			t.Errorf("%s: %v, %v, want %q", expression, r, err, want)
		}
	}
	for replacement, want := range map[string]string{
		"x.${nope}": "${nope}", "$3": "topic_regex has 2 groups", "$": "a $ without a group", "$x": "without a group",
		"${a": "without its }", `a\`: `a \ at its end`,
		"${}": "${}",
	} {
		_, err := javaregex.New("(a)(?<b>b)", replacement)
		var refused *javaregex.Error
		if !errors.As(err, &refused) || !refused.Replacement || !strings.Contains(refused.Text, want) {
			t.Errorf("%s: %v, want %q", replacement, err, want)
		}
	}
}

func TestWhatTheReplacementMakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expression, glob string
		all              bool
		literals         []string
	}{
		{"(?<n>.*)", "ev.*-*", true, []string{"ev.", "-"}},
		{"^(.+)$", "ev.*-*", true, []string{"ev.", "-"}},
		{"(a|b)", "ev.*-**", false, []string{"ev.", "-"}},
	} {
		r, err := javaregex.New(c.expression, "ev.$1-$1")
		if err != nil {
			t.Fatal(err)
		}
		if r.Glob() != c.glob || r.MatchesAll() != c.all || !slices.Equal(r.Literals(), c.literals) {
			t.Errorf("%s: %s, %v, %q", c.expression, r.Glob(), r.MatchesAll(), r.Literals())
		}
	}
}

// FuzzNew: no expression, replacement or text makes it panic; a text that is not matched
// stays as it is, and what is made of one that is matched is covered by the glob.
func FuzzNew(f *testing.F) {
	for _, expression := range []string{"(?<a>.*)", "([^.]+)\\.(.*)", "(?i)[a-z&&b]{2,}?$", `\Qa\E\p{L}\x{41}|`, "a|ab"} {
		f.Add(expression, "x.$1-${a}", "a.b")
	}
	f.Fuzz(func(t *testing.T, expression, replacement, text string) {
		if len(expression) > 200 || len(text) > 200 {
			return
		}
		r, err := javaregex.New(expression, replacement)
		if err != nil {
			var refused *javaregex.Error
			if !errors.As(err, &refused) || refused.Text == "" {
				t.Fatal(err)
			}
			return
		}
		got := r.Replace(text)
		if got == text || strings.ContainsAny(strings.Join(r.Literals(), ""), `*?[\/`) || strings.Contains(text, "/") {
			return
		}
		if ok, err := path.Match(r.Glob(), got); !ok || err != nil {
			t.Errorf("%q, %q: %q became %q, which %q does not cover", expression, replacement, text, got, r.Glob())
		}
	})
}
