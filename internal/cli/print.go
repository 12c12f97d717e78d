package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/safetext"
)

// This file is the only one that writes to the terminal. What is not walpost's own
// text there, names and messages of rows, servers and other roles, is escaped.

// screen is an output of the process. What is written to it has no control character
// but line ends and tabs when it leaves: others are escaped as \u001b, which in JSON
// is the same character.
type screen struct{ w io.Writer }

// Write is part of io.Writer.
func (s *screen) Write(b []byte) (int, error) {
	if _, err := io.WriteString(s.w, safetext.EscapeLines(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

func jsonFlag(cmd *cobra.Command, asJSON *bool) {
	cmd.Flags().BoolVar(asJSON, "json", false, "write JSON, for programs")
}

// writeJSON writes one indented document.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// isTerminal reports whether a person reads what is written to w.
func isTerminal(w io.Writer) bool {
	if s, ok := w.(*screen); ok {
		w = s.w
	}
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// printer writes lines and keeps the first error, so that a command says its
// lines and asks once.
type printer struct {
	w     io.Writer
	human bool // colours and headings, for a person
	err   error
}

func newPrinter(w io.Writer) *printer { return &printer{w: w, human: isTerminal(w)} }

// line writes one line. The format is walpost's own text; whatever is put into it is
// escaped, line ends too, unless it is a safe text or lines.
func (p *printer) line(format string, args ...any) { p.put(format+"\n", args) }

// prompt is line without its end, for a question.
func (p *printer) prompt(format string, args ...any) { p.put(format, args) }

func (p *printer) put(format string, args []any) {
	if p.err != nil {
		return
	}
	w := p.w
	if s, ok := w.(*screen); ok { // colours pass
		w = s.w
	}
	_, p.err = io.WriteString(w, string(say(format, args...)))
}

// words writes a line of words with blanks between.
func (p *printer) words(list []safe) { p.line("%s", joined(list, " ")) }

// heading names the relay of the lines that follow, for people.
func (p *printer) heading(relay string) {
	if p.human {
		p.line("%s", p.paint(styleBold, relay))
	}
}

// clear makes the terminal empty, and writes a line at its top.
func (p *printer) clear(title string) {
	p.line("%s%s", safe("\x1b[H\x1b[2J"), title)
}

// safe is a text that has been escaped, and coloured perhaps.
type safe string

// lines is walpost's own text of several lines, with names of others in it: all but
// line ends is escaped.
type lines string

// say is fmt.Sprintf with everything escaped but the format and safe texts.
func say(format string, args ...any) safe {
	for i, arg := range args {
		switch arg := arg.(type) {
		case safe:
			args[i] = string(arg)
		case lines:
			args[i] = safetext.EscapeLines(string(arg))
		default:
			args[i] = foreign{arg}
		}
	}
	return safe(fmt.Sprintf(format, args...))
}

// foreign is a value that is shown escaped, as any verb shows it.
type foreign struct{ v any }

// Format is part of fmt.Formatter.
func (f foreign) Format(s fmt.State, verb rune) {
	if verb != 's' && verb != 'v' {
		_, _ = s.Write([]byte(safetext.Escape(fmt.Sprintf(fmt.FormatString(s, verb), f.v))))
		return
	}
	_, _ = fmt.Fprintf(s, fmt.FormatString(s, 's'), safetext.Escape(fmt.Sprint(f.v))) // escaped first: a width counts what is seen
}

func joined(list []safe, between string) safe {
	texts := make([]string, len(list))
	for i, word := range list {
		texts[i] = string(word)
	}
	return safe(strings.Join(texts, between))
}

// style is an SGR code (ECMA-48).
type style string

// The styles, by what a word means.
const (
	styleBold    style = "1"
	styleDim     style = "2"
	styleError   style = "31" // red
	styleOK      style = "32" // green
	styleWarning style = "33" // yellow
)

// paint escapes a text, and colours it for people who have not asked for no colour
// (NO_COLOR).
func (p *printer) paint(s style, text string) safe {
	text = safetext.Escape(text)
	if p.human && os.Getenv("NO_COLOR") == "" {
		text = "\x1b[" + string(s) + "m" + text + "\x1b[0m"
	}
	return safe(text)
}
