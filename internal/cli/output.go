package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

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

// isTerminal tells whether a person reads what is written to w.
func isTerminal(w io.Writer) bool {
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

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// heading names the relay of the lines that follow, for people.
func (p *printer) heading(relay string) {
	if p.human {
		p.line("%s", p.paint(bold, relay))
	}
}

// SGR codes (ECMA-48) of what a word means.
const (
	bold   = "1"
	good   = "32"
	doubt  = "33"
	bad    = "31"
	dimmed = "2"
)

// paint colours a text for people who have not asked for none (NO_COLOR).
func (p *printer) paint(code, text string) string {
	if !p.human || os.Getenv("NO_COLOR") != "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
