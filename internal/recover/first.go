package recover

import (
	"fmt"

	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
)

// checkFirst says what there is of a first start. The slot has its name only when all rows
// are published, so a slot that is there needs none of them.
func (r *Recovery) checkFirst(there *catalog.Inspection, leftover *catalog.Slot, plan *Plan) error {
	s := there.Slot
	switch {
	case s == nil:
		plan.Found, plan.Missing = "does not exist", true
	case s.Active || s.Making():
		return inUse(s.Name, s.ActivePID)
	case there.Publication == nil || !there.Publication.Publishing: // no mark, or the publication of another owner
		plan.Found, plan.Begun = "exists", true
		if leftover == nil {
			break
		}
		if leftover.ConfirmedFlushLSN == s.ConfirmedFlushLSN { // s is its copy
			plan.Begun, plan.OnlyEnd, plan.point = false, true, s.ConfirmedFlushLSN
			break
		}
		plan.Warnings = append(plan.Warnings, fmt.Sprintf("slot %s is left over from a start that was cut, and keeps WAL: "+
			"SELECT pg_drop_replication_slot('%[1]s')", leftover.Name))
	case !there.Publication.RowsPublished:
		return r.madeBySomebody(s.Name)
	default:
		plan.Found, plan.OnlyEnd, plan.point = "exists", true, s.ConfirmedFlushLSN
	}
	return nil
}

func (r *Recovery) madeBySomebody(slot string) error {
	return &status.Halt{
		Code: status.ExitHalted, Reason: fmt.Sprintf("slot %s was made by somebody else before the rows were published", slot),
		Detail: "rows from before it may be missing in Kafka",
		Hint:   fmt.Sprintf("`walpost drop -c %s` drops it with the publication; then run %s again", r.Config.File, r.command()),
	}
}
