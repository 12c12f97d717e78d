package recover

import (
	"fmt"

	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
)

// checkSlot says what the slot is, and refuses one that is not to be replaced.
func (r *Recovery) checkSlot(there *catalog.Inspection, leftover *catalog.Slot, plan *Plan) error {
	s := there.Slot
	if s == nil {
		plan.Found, plan.Missing = "does not exist", true
		return nil
	}
	switch {
	case s.Type != "logical" || s.Plugin != "pgoutput" || s.Temporary || s.Database != there.Server.Database:
		return &status.Halt{
			Code: status.ExitRequirement, Reason: fmt.Sprintf("slot %s is not a relay's", s.Name),
			Detail: fmt.Sprintf("it is %s, plugin %q, of database %q", s.Type, s.Plugin, s.Database),
			Hint:   "see postgres.slot and postgres.url",
		}
	case s.Active:
		return inUse(s.Name, s.ActivePID)
	case s.Lost():
		plan.Found = fmt.Sprintf("is lost (%s); it was confirmed up to %s",
			catalog.LossOf(s.InvalidationReason).Reason, s.ConfirmedFlushLSN)
		return nil
	}
	stillThere := fmt.Sprintf("rows committed after %s are still in the slot and go with it: choose rows that include them",
		s.ConfirmedFlushLSN)
	if s.TwoPhase {
		plan.Found = "decodes prepared transactions (two_phase), which run refuses; it has " + s.Unconfirmed()
		plan.Warnings = append(plan.Warnings, stillThere)
		return nil
	}
	plan.Found = "is healthy, with " + s.Unconfirmed()
	if r.Force {
		plan.Warnings = append(plan.Warnings, stillThere)
		return nil
	}
	if leftover != nil && leftover.ConfirmedFlushLSN != 0 && s.ConfirmedFlushLSN >= leftover.ConfirmedFlushLSN {
		// The slot is as far as the leftover: it was swapped in, and a relay may have run since.
		plan.point, plan.OnlyEnd = s.ConfirmedFlushLSN, s.ConfirmedFlushLSN == leftover.ConfirmedFlushLSN
		plan.OnlyLeftover = !plan.OnlyEnd
		return nil
	}
	return &status.Halt{
		Code: status.ExitRequirement, Reason: fmt.Sprintf("slot %s is healthy: it needs no recovery", s.Name),
		Detail: "it " + plan.Found[len("is healthy, "):],
		Hint:   "if rows are missing all the same (`walpost audit` shows it; another client may have advanced the slot), give --force",
	}
}

func inUse(slot string, pid int) error {
	return &status.Halt{
		Code: status.ExitRequirement, Reason: fmt.Sprintf("slot %s is in use by backend %d", slot, pid),
		Hint: fmt.Sprintf("stop the relay that streams from it, or SELECT pg_terminate_backend(%d)", pid),
	}
}
