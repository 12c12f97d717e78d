package preflight

import (
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/status"
)

// unfinishedRequirements checks whether a first start that was interrupted can continue.
func unfinishedRequirements(i *catalog.Inspection, want PostgresExpectations) []Requirement {
	publication, slot := pgname.QuoteIfNeeded(i.Names.Publication), i.Names.Slot
	there := i.Slot != nil
	switch {
	case there && i.Slot.Making():
		return []Requirement{warn("slot", "wait for it: what it waits for is in pg_stat_activity and pg_prepared_xacts",
			"%s is being made by backend %d", slot, i.Slot.ActivePID)}
	case there && i.Publication.Owned:
		return nil // run removes the mark
	case there:
		return []Requirement{failure(status.ExitRequirement, "publication", provision.CommentSQL(i.Names.Publication, "")+", as its owner",
			"%s is marked as made for a slot that is not there yet, and the slot is there: a slot that was lost would not be noticed",
			publication)}
	case !i.Publication.Owned:
		return []Requirement{failure(status.ExitRequirement, "slot", "walpost init -c FILE, as the role that owns the publication",
			"%s does not exist: whoever made publication %s for it did not come to an end", slot, publication)}
	case !want.Create:
		return []Requirement{failure(status.ExitRequirement, "slot", "walpost init -c FILE",
			"%s does not exist, and postgres.create is false", slot)}
	default:
		return []Requirement{passed("slot",
			"%s does not exist yet: a first start was cut after it had made publication %s, and run goes on", slot, publication)}
	}
}

// publishingRequirement stops what would begin behind rows that are not published yet.
func publishingRequirement(i *catalog.Inspection) Requirement {
	return failure(status.ExitRequirement, "rows before the slot",
		"walpost init --publish-existing -c FILE, which begins anew and ends it; "+
			"or, without these rows: walpost drop -c FILE; then walpost init -c FILE",
		"walpost init --publish-existing has not come to its end for slot %s: rows that were in %s before may be missing in Kafka",
		i.Names.Slot, i.Names.Table)
}
