package status

import (
	"errors"
	"fmt"
)

// Exit codes of the process.
const (
	ExitStopped     = 0 // asked to stop, everything read was acknowledged and confirmed
	ExitUnexpected  = 1
	ExitUsage       = 2 // wrong command line or configuration
	ExitRequirement = 3 // a requirement is not met
	ExitHalted      = 4 // an operator must decide
	ExitFenced      = 5 // another relay has taken over
)

// Halt is the end of a relay that only an operator can fix.
type Halt struct {
	Code   int    // exit code
	Reason string // what happened, in a few words
	Detail string // the particulars
	Hint   string // the command or the change that repairs it
}

// Summary returns what happened, without what to do about it.
func (h *Halt) Summary() string {
	if h.Detail == "" {
		return h.Reason
	}
	return h.Reason + ": " + h.Detail
}

func (h *Halt) Error() string {
	s := h.Summary()
	if h.Hint != "" {
		s += "; " + h.Hint
	}
	return s
}

// Usage returns the Halt for a wrong command line or configuration.
func Usage(format string, args ...any) *Halt {
	return &Halt{Code: ExitUsage, Reason: fmt.Sprintf(format, args...)}
}

// ExitCode returns the code that the process ends with after err.
func ExitCode(err error) int {
	if err == nil {
		return ExitStopped
	}
	if h, ok := errors.AsType[*Halt](err); ok {
		return h.Code
	}
	return ExitUnexpected
}
