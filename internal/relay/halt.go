package relay

import (
	"errors"

	"github.com/walpost/walpost/internal/config"
)

// Exit codes of the process, as the contract names them.
const (
	ExitStopped     = 0 // asked to stop, everything read was acknowledged and confirmed
	ExitUnexpected  = 1
	ExitUsage       = 2 // wrong command line or configuration
	ExitRequirement = 3 // a requirement is not met
	ExitHalted      = 4 // an operator must decide
	ExitFenced      = 5 // another relay has taken over
)

// Halt is the end of a relay that only an operator can mend.
type Halt struct {
	Code   int    // exit code
	Reason string // what happened, in a few words
	Detail string // the particulars
	Hint   string // the command or the change that repairs it
}

// words are what happened, without what to do.
func (h *Halt) words() string {
	if h.Detail == "" {
		return h.Reason
	}
	return h.Reason + ": " + h.Detail
}

func (h *Halt) Error() string {
	s := h.words()
	if h.Hint != "" {
		s += "; " + h.Hint
	}
	return s
}

// RecoverHint says what mends a slot that has lost events.
func RecoverHint(cfg *config.Config) string {
	if cfg.Outbox.Messages() {
		return "events were messages, so that there is no table to publish them from: `walpost drop -c " + cfg.File +
			"`, then `walpost init -c " + cfg.File + "` begins anew without them"
	}
	return "`walpost recover -c " + cfg.File + "` makes a new slot and publishes from the outbox table what may be missing"
}

// ExitCode is the code the process ends with for what Run returned.
func ExitCode(err error) int {
	if err == nil {
		return ExitStopped
	}
	if h, ok := errors.AsType[*Halt](err); ok {
		return h.Code
	}
	return ExitUnexpected
}
