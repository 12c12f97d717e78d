package cli

import (
	"strings"

	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/safetext"
)

// checked writes one line per requirement; for people with the fix on a line of
// its own, to be copied.
func (p *printer) checked(c checked, several bool) {
	p.heading(c.Relay)
	prefix := ""
	if several && !p.human {
		prefix = c.Relay + ": "
	}
	for _, f := range c.Requirements {
		text := f.Of + " " + f.Name
		if f.Detail != "" {
			text += ": " + f.Detail
		}
		switch {
		case !p.human && f.Fix != "":
			p.line("%s%s %s; fix: %s", prefix, f.State, safetext.OneLine(text), safetext.OneLine(f.Fix))
		case !p.human:
			p.line("%s%s %s", prefix, f.State, safetext.OneLine(text))
		default:
			p.line("  %s %s", p.paint(styleOf(f.State), pad(f.State.String())), text)
			if f.Fix != "" {
				p.line("          %s %s", p.paint(styleDim, "fix:"), lines(strings.ReplaceAll(f.Fix, "\n", "\n               ")))
			}
		}
	}
}

func styleOf(s preflight.State) style {
	switch s {
	case preflight.OK:
		return styleOK
	case preflight.Warning:
		return styleWarning
	default:
		return styleError
	}
}

func pad(word string) string { return word + strings.Repeat(" ", max(0, len("warning")-len(word))) }
