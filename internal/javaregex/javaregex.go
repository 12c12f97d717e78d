// Package javaregex replaces a text as Kafka Connect's RegexRouter does: a regular
// expression and a replacement in Java's syntax, which replace a text that the expression
// matches as a whole.
//
// What Java's expressions have and Go's lack is refused, and so is what means something
// else to different versions of Java. What remains means the same in both.
package javaregex

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// MaxText bounds the texts that are compared. A longer one is not matched.
const MaxText = 1000

// maxProgram bounds the steps of an expression. Go compares a text in no more than its
// length times these steps, whatever the expression: it never goes back.
const maxProgram = 10_000

// Replacer replaces texts.
type Replacer struct {
	whole *regexp.Regexp // decides whether there is a match
	first *regexp.Regexp // finds what is replaced
	parts []part
	all   bool
}

// Error is what is wrong with the expression, or with the replacement.
type Error struct {
	Replacement bool
	Text        string // goes on after the name of the key
}

func (e *Error) Error() string { return e.Text }

// New reads an expression and a replacement. Its errors are *Error.
func New(expression, replacement string) (*Replacer, error) {
	t := translator{source: []rune(unquote(expression))}
	if err := t.translate(); err != nil {
		return nil, err
	}
	// Java decides by matches() and replaces by find(): an alternative or a lazy quantifier
	// may find less than the whole text, and then its rest stays.
	r := &Replacer{all: matchesAll(expression)}
	var err error
	if r.whole, err = compile(`\A(?:` + t.out.String() + `)\z`); err != nil {
		return nil, err
	}
	if r.first, err = compile(t.out.String()); err != nil {
		return nil, err
	}
	r.parts, err = parseReplacement(replacement, t.names)
	return r, err
}

// compile compiles an expression in Go's syntax whose program is not too large.
func compile(expression string) (*regexp.Regexp, error) {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err == nil {
		var program *syntax.Prog
		if program, err = syntax.Compile(parsed.Simplify()); err == nil && len(program.Inst) <= maxProgram {
			return regexp.Compile(expression)
		}
	}
	return nil, refuse("is too large: write shorter repetitions, and do not nest long ones")
}

// Append appends to dst what text is replaced with, or text where the expression does not
// match the whole of it.
func (r *Replacer) Append(dst, text []byte) []byte {
	if len(text) > MaxText || !r.whole.Match(text) {
		return append(dst, text...)
	}
	at := r.first.FindSubmatchIndex(text)
	if at == nil {
		return append(dst, text...)
	}
	for _, p := range r.parts {
		if p.group < 0 {
			dst = append(dst, p.literal...)
		} else if begin := at[2*p.group]; begin >= 0 {
			dst = append(dst, text[begin:at[2*p.group+1]]...)
		}
	}
	return append(dst, text[at[1]:]...)
}

// Replace is Append for a string.
func (r *Replacer) Replace(text string) string { return string(r.Append(nil, []byte(text))) }

// Glob returns a glob that covers what texts are replaced with, if no literal of the
// replacement has a meaning in globs. What a lazy expression leaves of a text follows it.
func (r *Replacer) Glob() string {
	var glob strings.Builder
	for _, p := range r.parts {
		if p.group < 0 {
			glob.WriteString(p.literal)
		} else {
			glob.WriteByte('*')
		}
	}
	if !r.all {
		glob.WriteByte('*')
	}
	return glob.String()
}

// Literals returns the texts of the replacement between the groups.
func (r *Replacer) Literals() []string {
	var texts []string
	for _, p := range r.parts {
		if p.group < 0 {
			texts = append(texts, p.literal)
		}
	}
	return texts
}

// MatchesAll reports whether the expression matches each text without line ends that is
// not empty: .* or .+ with what does not change that.
func (r *Replacer) MatchesAll() bool { return r.all }

var anything = regexp.MustCompile(`^\^?(\(\?<[a-zA-Z][a-zA-Z0-9]*>\.[*+]\)|\((\?:)?\.[*+]\)|\.[*+])\$?$`)

func matchesAll(expression string) bool { return anything.MatchString(expression) }

func refuse(text string) error { return &Error{Text: text} }
