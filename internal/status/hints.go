package status

import (
	"strings"

	"github.com/walpost/walpost/internal/safetext"
)

// Hints words what an operator can do about one relay.
type Hints struct {
	File     string // its configuration file
	Messages bool   // its events are messages: there is no outbox table
}

// Recover returns what repairs a slot that has lost events.
func (h Hints) Recover() string {
	if h.Messages {
		return "events were messages, so that there is no table to publish them from: `walpost drop -c " + h.File +
			"`, then `walpost init -c " + h.File + "` begins anew without them"
	}
	return "`walpost recover -c " + h.File + "` creates a new slot and publishes from the outbox table what may be missing"
}

// Position returns what shows, and after a decision sets, the position of exactly_once.
func (h Hints) Position() string {
	return "`walpost position -c " + h.File + "` shows it beside the slot, and says how to set it"
}

// SetPosition sets the position of exactly_once to an LSN.
func (h Hints) SetPosition(lsn string) string {
	return "`walpost position -c " + h.File + " --set " + lsn + "`"
}

// Condition returns a condition of the catalogue. Its hint is what is particular
// about it, "" for nothing, and what to do in general.
func (h Hints) Condition(name, detail string) Condition {
	c := Condition{Name: name, Severity: Critical}
	for _, kind := range Conditions() {
		if kind.Name == name {
			c.Severity, c.Hint = kind.Severity, strings.ReplaceAll(kind.Hint, "FILE", h.File)
		}
	}
	if name == ConditionSlotLost {
		c.Hint = h.Recover()
	}
	if detail != "" {
		c.Hint = safetext.EscapeLines(safetext.TruncateText(detail)) + "; " + c.Hint
	}
	return c
}
