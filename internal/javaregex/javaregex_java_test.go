package javaregex_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/javaregex"
)

// sample is an expression, a replacement and a text.
type sample struct{ expression, replacement, text string }

// inJava returns what Java makes of each sample: "=" and the text after it, or which of the
// two it refuses.
func inJava(t *testing.T, samples []sample) []string {
	t.Helper()
	java, folder, err := devstack.FindJars(t.Context(), t.Output(), "org.eclipse.jdt:ecj:3.42.0") // a Java may lack javac
	if err != nil {
		t.Fatal(err)
	}
	list, err := filepath.Glob(filepath.Join(folder, "*.jar"))
	if err != nil {
		t.Fatal(err)
	}
	classes := t.TempDir()
	compiler := exec.CommandContext(t.Context(), java, "-cp", strings.Join(list, ":"), "org.eclipse.jdt.internal.compiler.batch.Main",
		"--release", "17", "-nowarn", "-d", classes, "testdata/Replace.java")
	if out, err := compiler.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var in bytes.Buffer
	for _, s := range samples {
		for i, text := range []string{s.expression, s.replacement, s.text} {
			if i > 0 {
				in.WriteByte(' ')
			}
			in.WriteString(base64.StdEncoding.EncodeToString([]byte(text)))
		}
		in.WriteByte('\n')
	}
	program := exec.CommandContext(t.Context(), java, "-cp", classes, "Replace")
	program.Stdin, program.Stderr = &in, os.Stderr
	out, err := program.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(answers) != len(samples) {
		t.Fatalf("%d answers to %d samples", len(answers), len(samples))
	}
	return answers
}

// check compares with Java what walpost takes. It returns how many samples it took, and in
// how many of them the text was replaced.
func check(t *testing.T, samples []sample) (taken, replaced int) {
	t.Helper()
	answers := inJava(t, samples)
	var r *javaregex.Replacer
	var err error
	for i, s := range samples {
		if i == 0 || s.expression != samples[i-1].expression || s.replacement != samples[i-1].replacement {
			r, err = javaregex.New(s.expression, s.replacement)
		}
		var refused *javaregex.Error
		switch answer := answers[i]; {
		case err == nil && !strings.HasPrefix(answer, "="):
			t.Errorf("%q, %q: Java refuses the %s, and walpost takes it", s.expression, s.replacement, answer)
		case err == nil:
			taken++
			want, err := base64.StdEncoding.DecodeString(answer[1:])
			if err != nil {
				t.Fatal(err)
			}
			got := r.Replace(s.text)
			if got != string(want) {
				t.Errorf("%q, %q: %q became %q, in Java %q", s.expression, s.replacement, s.text, got, want)
			}
			if got != s.text {
				replaced++
			}
		case !errors.As(err, &refused) || refused.Text == "":
			t.Errorf("%q, %q: %v", s.expression, s.replacement, err)
		}
	}
	return taken, replaced
}

// What people write, and what differs between Java and Go, means what it means in Java.
func TestAsInJava(t *testing.T) {
	devstacktest.SkipShort(t, "compares with Java")
	expressions := []string{
		`.*`, `(.*)`, `(?<routedByValue>.*)`, `(.+?)`, `.+?`, `(.+)\.v\d+`, `([^.]+)\.([^.]+)\.([^.]+)`, `^(.*)$`,
		`\A.+\z`, `.+\Z`,
		`(?<domain>[a-z]+)\.(?<entity>[A-Za-z]+)`, `(?<a>[A-Z][a-z]+)(.*)`, `Ord`, `a|ab`, `(a|ab)(c|bcd)(d*)`,
		`(?:a|ab)(?:c)?`,
		`(?i)ORDER`, `(?i:order)`, `(?i)[a-f]+`, `(?i)[^a-f]+`, `(?i)\w+`, `(?i)straße|k`, `o(?i)R|D(?-i)e`, `(?s).+`,
		`(?s:.)+.`, `(?is)A.`,
		`\d+`, `\D+`, `\w+`, `\W+`, `\s+`, `\S+`, `\h+`, `\H+`, `\v+`, `\V+`, `[\d.-]+`, `[\w-.]+`, `[a-]+`, `[-a]+`,
		`[^\W_]+`, `[\]\[\\^-]+`,
		`\p{Alpha}+`, `\p{Lower}+`, `\p{Upper}+`, `\p{ASCII}+`, `\p{Digit}+`, `\p{Alnum}+`, `\p{Punct}+`, `\p{Graph}+`,
		`\p{Print}+`,
		`\p{Blank}+`, `\p{Cntrl}+`, `\p{XDigit}+`, `\p{Space}+`, `\P{Alpha}+`, `\p{L}+`, `\pL+`, `\p{Lu}\p{Ll}*`, `\PL+`,
		`[\p{L}\p{N}_]+`,
		`a{2}`, `a{2,}`, `a{1,3}?b*`, `(a{02}){2}`, `(ab?)*`, `(a|b)+`, `(?:(a)|b)+`, `(?:(a)|(b)|(c))+`, `((a)|b)+?c?`,
		`(a(b)?)+`,
		`\Qa.b\E+`, `\Q(\E.*`, `\x41\u0042\x{43}`, `\x{1F600}`, `😀+`, `[😀é]+`, `\t\n\r\f\a\e`, `\$\{x\}`, `}`, `]`,
		`a-b`, `a|`, `|a`, `()`, `(|a)b`,
		"\u00e9.*", `(.*)-(.*)`, `(.*?)-(.*)`, `(.*)_(\d{1,3})`, `outbox\.(.*)`, `[a-zA-Z0-9._-]+`, `(x)?(a+)`,
		`((((((((((a))))))))))(b?)`,
	}
	replacements := []string{
		"", "x", "$0", "pre.$0.post", `a\$b`, `a\\b`, "$1", "ev.$1-$2", "$11", "$12", "$1x", "${routedByValue}",
		"outbox.event.${domain}-$2",
		"${a}", "${nope}", "${}", "${1}", "${", "$", "$x", "$ 1", `\`, "é$0", "{a}", "$1$1", "$01",
	}
	texts := []string{
		"", "a", "aa", "aaa", "aaaa", "b", "ab", "abab", "abc", "abcd", "ba", "cba", "aab", "Order", "order", "ORDER",
		"oRDe", "ord", "Ord", "OrderLine",
		"shop.Order", "shop.Order.v2", "a.b", "a.b.c", "a.bb", "(x", "x-y-z", "order_12", "outbox.x", "1", "12.3-4",
		"_a1", "ABC", "é", "éa", "É",
		"straße", "STRASSE", "K", "K", "ſ", "😀", "😀é", "a\nb", "a\n", "a\r\n", "a\u0085", "a\u2028", "\n", "\r", "\v",
		"\t \u00a0\u3000", "\t\n\r\f\a\x1b",
		"!#", "[]^-\\", "${x}", "}", "]", "a-b", "\x00", "\x7f", "Ǆ", "ǅa", "٣", "x_1", "aaaaaaaaaab", " a ",
	}
	var samples []sample
	add := func(expressions, replacements, texts []string) {
		for _, e := range expressions {
			for _, r := range replacements {
				for _, text := range texts {
					// Before a line end at the end of a text Java's $ matches: no topic has one.
					if !strings.ContainsAny(e, "$Z") || !strings.ContainsAny(text, "\n\r\u0085\u2028") {
						samples = append(samples, sample{e, r, text})
					}
				}
			}
		}
	}
	add(expressions, []string{"<$0>", "$1$2$3x"}, texts)
	add([]string{`.*`, `(.*)`, `(?<a>.)(?<domain>.*)`, `((((((((((.))))))))))(.*)(.?)`}, replacements, texts[:20])
	taken, replaced := check(t, samples)
	if taken < 7_000 || replaced < 2_000 {
		t.Errorf("of %d samples %d were taken, %d replaced", len(samples), taken, replaced)
	}
	for _, e := range expressions {
		if _, err := javaregex.New(e, "x"); err != nil {
			t.Errorf("%q: %v", e, err)
		}
	}
}

// Any expression that walpost takes means what it means in Java.
func TestRandomAsInJava(t *testing.T) {
	devstacktest.SkipShort(t, "compares with Java")
	rng := devstacktest.Rand(t)
	var samples []sample
	for range 10_000 {
		e := randomExpression(rng, 3)
		text := randomText(rng, "a", "b", "A", "c", ".", "1", "-")
		samples = append(samples, sample{e, randomText(rng, "$0", "$1", "$2", "$12", "x", `\$`, "-"), text})
	}
	taken, replaced := check(t, samples)
	if taken < 1_000 || replaced < 100 {
		t.Errorf("of %d samples %d were taken, %d replaced", len(samples), taken, replaced)
	}
}

func randomText(rng *rand.Rand, parts ...string) string {
	var text strings.Builder
	for range rng.IntN(7) {
		text.WriteString(parts[rng.IntN(len(parts))])
	}
	return text.String()
}

// randomExpression returns an expression of Java, or nearly one.
func randomExpression(rng *rand.Rand, depth int) string {
	atoms := []string{
		"a", "b", "A", "c", ".", `\.`, `\d`, `\w`, "[ab]", "[^a]", "[a-c.]", `\p{Alpha}`, "(?i)", "(?-i)", "^", "$", "-",
		`[\w-]`, "[A-C1-]", `\Qa.\E`,
	}
	quantifiers := []string{"", "", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "{2,}"}
	var text strings.Builder
	for range rng.IntN(4) + 1 {
		switch kind := rng.IntN(10); {
		case kind < 3 && depth > 0:
			open := []string{"(", "(", "(?:", "(?i:", "(?<n>"}[rng.IntN(5)]
			text.WriteString(open + randomExpression(rng, depth-1) + ")")
		case kind == 3:
			text.WriteString("|")
			continue
		default:
			text.WriteString(atoms[rng.IntN(len(atoms))])
		}
		text.WriteString(quantifiers[rng.IntN(len(quantifiers))])
	}
	return text.String()
}
