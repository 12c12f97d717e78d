package preflight

import (
	"strings"

	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
)

// UnmetError is why a command must not continue.
type UnmetError struct {
	Exit   int           // 3, or 4 when one of the requirements needs a decision
	Failed []Requirement // each with its fix
}

func (e *UnmetError) Error() string {
	texts := make([]string, len(e.Failed))
	for i, r := range e.Failed {
		texts[i] = r.Text()
	}
	return strings.Join(texts, "\n")
}

// CheckStart returns nil when `run` may start, or what keeps it from starting.
func CheckStart(list []Requirement) *UnmetError {
	return unmet(list, func(Requirement) bool { return false })
}

// CheckInit returns nil when `init` may create what is missing of i, or what it cannot repair.
func CheckInit(i *catalog.Inspection, list []Requirement) *UnmetError {
	return unmet(list, func(r Requirement) bool { return createdByInit(i, r) })
}

// CheckRecovery returns nil when a slot may be replaced, or what keeps it from that. The
// list is that of an inspection without the slot.
func CheckRecovery(list []Requirement) *UnmetError {
	return unmet(list, missesSlot)
}

// createdByInit reports whether the requirement fails for want of what init creates.
func createdByInit(i *catalog.Inspection, r Requirement) bool {
	messages := i.Names.Table.IsZero()
	switch r.Name {
	case "table":
		return i.Table == nil
	case "publication": // without the table nobody owns it yet: checked again when it is there
		return i.Table == nil && !messages && i.Publication == nil && i.Slot == nil
	default:
		return i.Slot == nil && missesSlot(r)
	}
}

// missesSlot reports whether the requirement fails because the publication has no slot.
func missesSlot(r Requirement) bool { return r.Name == "slot" && r.Exit == status.ExitHalted }

// unmet returns the requirements that keep a command from going on, but for those that
// the command itself repairs.
func unmet(list []Requirement, repaired func(Requirement) bool) *UnmetError {
	var e UnmetError
	for _, r := range list {
		if r.State == Failed && r.Exit != startsAnyway && !repaired(r) {
			e.Failed = append(e.Failed, r)
			e.Exit = max(e.Exit, r.Exit)
		}
	}
	if e.Failed == nil {
		return nil
	}
	return &e
}
