package preflight

import (
	"fmt"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/status"
)

// slotRequirements checks the slot. A fault that needs a decision ends the start with exit
// code 4, a slot that belongs to another client with 3.
func slotRequirements(i *catalog.Inspection, want PostgresExpectations) []Requirement {
	if i.Slot == nil {
		return missingSlot(i, want)
	}
	s := i.Slot
	switch {
	case s.Type != "logical" || s.Plugin != "pgoutput":
		kind := s.Type
		if s.Plugin != "" {
			kind += " with plugin " + s.Plugin
		}
		return []Requirement{failure(status.ExitRequirement, "slot", "choose another postgres.slot",
			"%s is %s, and walpost needs a logical slot with pgoutput", s.Name, kind)}
	case s.Database != i.Server.Database:
		return []Requirement{failure(status.ExitRequirement, "slot",
			"choose another postgres.slot, or correct the database in postgres.url",
			"%s belongs to database %s, and this is %s", s.Name, pgname.QuoteIfNeeded(s.Database), pgname.QuoteIfNeeded(i.Server.Database))}
	case s.Temporary:
		return []Requirement{failure(status.ExitRequirement, "slot", "choose another postgres.slot",
			"%s is temporary and belongs to backend %d", s.Name, s.ActivePID)}
	case s.Lost():
		loss := catalog.LossOf(s.InvalidationReason)
		fix := "walpost recover -c FILE"
		if i.Names.Table.IsZero() {
			fix = "walpost drop -c FILE; then walpost init -c FILE, which begins anew"
		}
		return []Requirement{failure(status.ExitHalted, "slot", fix+"; and "+loss.Fix+" so that it does not happen again",
			"%s is lost (%s): events after %s cannot be read from it", s.Name, loss.Reason, s.ConfirmedFlushLSN)}
	}
	if s.Making() {
		return unfinishedRequirements(i, want)
	}
	if s.TwoPhase {
		fix := "walpost recover -c FILE makes a slot without it"
		if i.Names.Table.IsZero() {
			fix = "walpost drop -c FILE; then walpost init -c FILE, which begins anew"
		}
		return []Requirement{failure(status.ExitRequirement, "two_phase", fix,
			"slot %s decodes prepared transactions (two_phase), and walpost reads what has committed: the first PREPARE TRANSACTION "+
				"would end the stream", s.Name)}
	}
	list := append([]Requirement{slotState(i)}, slotWarnings(i, want)...)
	if i.Publication != nil && i.Publication.Publishing {
		return append(list, publishingRequirement(i))
	}
	if i.Publication != nil && i.Publication.Unfinished {
		list = append(list, unfinishedRequirements(i, want)...)
	}
	return list
}

func missingSlot(i *catalog.Inspection, want PostgresExpectations) []Requirement {
	const name = "slot"
	slot := i.Names.Slot
	switch {
	case !catalog.ValidSlotName(slot):
		return []Requirement{failure(status.ExitRequirement, name, "choose another postgres.slot",
			"%q is no name for a slot: 1 to 63 of a-z, 0-9 and _", slot)}
	case want.Failover && i.Server.Major < 17:
		return []Requirement{failure(status.ExitRequirement, name, "postgres.failover: false",
			"failover slots need Postgres 17, this is %d", i.Server.Major)}
	case i.Publication != nil && i.Publication.Publishing:
		return []Requirement{publishingRequirement(i)}
	case i.Publication != nil && i.Publication.Unfinished:
		return unfinishedRequirements(i, want)
	case i.Publication != nil:
		return []Requirement{slotGone(name, i.Names)}
	case !want.Create:
		return []Requirement{failure(status.ExitRequirement, name,
			"walpost init -c FILE, or: "+provision.CreateSlotSQL(slot, want.Failover),
			"%s does not exist, and postgres.create is false", slot)}
	default:
		return []Requirement{passed(name, "%s does not exist yet: the first start of run creates it", slot)}
	}
}

// slotGone is a publication without its slot, which was dropped or never made.
func slotGone(name string, of catalog.ObjectNames) Requirement {
	fix := "walpost init -c FILE for a first start, with --publish-existing if what is in the table is to be published; " +
		"walpost recover -c FILE when a slot was lost: it publishes what may be missing, from the table"
	if of.Table.IsZero() {
		fix = "walpost init -c FILE"
	}
	return failure(status.ExitHalted, name, fix,
		"%s does not exist, but publication %s does: events committed before the slot is made are not streamed",
		of.Slot, pgname.QuoteIfNeeded(of.Publication))
}

func slotState(i *catalog.Inspection) Requirement {
	s := i.Slot
	if s.WALStatus == "unreserved" || s.WALStatus == "extended" {
		safe := ""
		if s.SafeWALBytes != nil {
			safe = fmt.Sprintf(", %d bytes of WAL until it may be lost", *s.SafeWALBytes)
		}
		return warn("slot", "let walpost catch up, or raise max_slot_wal_keep_size",
			"%s is behind: wal_status %s%s", s.Name, s.WALStatus, safe)
	}
	if s.Active {
		return passed("slot", "%s, confirmed %s, in use by backend %d", s.Name, s.ConfirmedFlushLSN, s.ActivePID)
	}
	return passed("slot", "%s, confirmed %s, %d bytes of WAL retained", s.Name, s.ConfirmedFlushLSN, s.RetainedBytes)
}

func slotWarnings(i *catalog.Inspection, want PostgresExpectations) []Requirement {
	s := i.Slot
	var list []Requirement
	if want.Failover && !s.Failover {
		fix := "ALTER_REPLICATION_SLOT " + pgname.Quote(s.Name) + " (FAILOVER true), over a connection with replication=database"
		if i.Server.Major < 17 {
			fix = "postgres.failover: false (failover slots need Postgres 17)"
		}
		list = append(list, warn("failover", fix, "postgres.failover is true, but slot %s is not a failover slot", s.Name))
	}
	if t := i.Server.IdleSlotTimeout; t > 0 {
		list = append(list, warn("idle_replication_slot_timeout",
			"ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf()",
			"the server gives the slot up when nobody has read from it for %s: while Kafka is unavailable, walpost opens it often enough, "+
				"but not while it is stopped", t))
	}
	return list
}
