package relay

import "errors"

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

func (h *Halt) Error() string {
	s := h.Reason
	if h.Detail != "" {
		s += ": " + h.Detail
	}
	if h.Hint != "" {
		s += "; " + h.Hint
	}
	return s
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
