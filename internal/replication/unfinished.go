package replication

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// unfinished is the comment on a publication that was made for a slot which is not
// made yet. Without it a first start that was cut between the two looks like a slot
// that somebody dropped: with it there never was one, and the next start goes on. It
// is written with the publication and taken away when the slot is there.
func unfinished(slot string) string { return "walpost: slot " + slot + " is not made yet" }

func commentSQL(publication, comment string) string {
	text := "NULL"
	if comment != "" {
		text = quoteLiteral(comment)
	}
	return "COMMENT ON PUBLICATION " + Quote(publication) + " IS " + text
}

// FinishPublication says that the slot for which the publication was made is there.
func FinishPublication(ctx context.Context, conn *pgx.Conn, publication, slot string) error {
	op := "take the mark of a first start from publication " + displayName(publication)
	marked, err := queryBool(ctx, conn, `SELECT EXISTS (SELECT FROM pg_publication
		WHERE pubname = $1 AND obj_description(oid, 'pg_publication') = $2)`, publication, unfinished(slot))
	if err != nil || !marked {
		return Classify(op, err)
	}
	_, err = conn.Exec(ctx, commentSQL(publication, ""))
	return Classify(op, err)
}

// Making reports whether a connection is making the slot and waits for transactions
// that are writing: it is there then, and is gone if that connection ends.
func (s *SlotInfo) Making() bool { return s.Active && s.ConfirmedFlushLSN == 0 }

// AwaitSlot waits for a slot that another connection is making. It reports whether
// there is one in the end.
func AwaitSlot(ctx context.Context, conn *pgx.Conn, slot string) (bool, error) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		info, err := readSlot(ctx, conn, slot)
		if err != nil {
			return false, Classify("look at slot "+slot, err)
		}
		if info == nil || !info.Making() {
			return info != nil, nil
		}
		select {
		case <-ctx.Done():
			return false, Classify("wait for slot "+slot, ctx.Err())
		case <-tick.C:
		}
	}
}

// unfinishedRequirements judges a first start that was cut: whether the next can go on.
func (i *Inspection) unfinishedRequirements(want Wanted) []Requirement {
	publication, slot := displayName(i.Names.Publication), i.Names.Slot
	there := i.Slot != nil
	switch {
	case there && i.Slot.Making():
		return []Requirement{warning("slot", "wait for it: what it waits for is in pg_stat_activity and pg_prepared_xacts",
			"%s is being made by backend %d", slot, i.Slot.ActivePID)}
	case there && i.Publication.Owned:
		return nil // run takes the mark away
	case there:
		return []Requirement{failed(exitRequirement, "publication", commentSQL(i.Names.Publication, "")+", as its owner",
			"%s is marked as made for a slot that is not there yet, and the slot is there: a slot that was lost would not be noticed", publication)}
	case !i.Publication.Owned:
		return []Requirement{failed(exitRequirement, "slot", "walpost init -c FILE, as the role that owns the publication",
			"%s does not exist: whoever made publication %s for it did not come to an end", slot, publication)}
	case !want.Create:
		return []Requirement{failed(exitRequirement, "slot", "walpost init -c FILE", "%s does not exist, and postgres.create is false", slot)}
	default:
		return []Requirement{ok("slot", "%s does not exist yet: a first start was cut after it had made publication %s, and run goes on", slot, publication)}
	}
}
