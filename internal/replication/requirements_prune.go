package replication

import (
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"
)

// pruneRequirements judges what outbox.prune needs. A fault does not keep `run`
// from streaming.
func pruneRequirements(i *Inspection, p *Pruning) []Requirement {
	const name = "prune"
	if p == nil {
		return nil
	}
	if r := foreignCodeRequirement(i, p); r != nil {
		return []Requirement{*r}
	}
	grant := fmt.Sprintf("GRANT SELECT, DELETE ON %s TO %s", p.Table.Quoted(), Quote(i.Role.Name))
	switch column := i.Table.Column(p.TimeColumn); {
	case p.Partitions && !i.Table.Partitioned():
		return []Requirement{failure(exitNone, name, "outbox.prune.drop_partitions: false", "%s has no partitions", p.Table)}
	case p.Partitions && !i.Table.Owned:
		return []Requirement{failure(exitNone, name, fmt.Sprintf("ALTER TABLE %s OWNER TO a role that %s belongs to, its partitions too", p.Table.Quoted(), Quote(i.Role.Name)),
			"outbox.prune drops partitions of %s, and role %s does not own it", p.Table, DisplayName(i.Role.Name))}
	case !i.Table.Readable || !i.Table.Deletable:
		return []Requirement{failure(exitNone, name, grant, "outbox.prune deletes from %s, and role %s may not: that takes SELECT and DELETE", p.Table, DisplayName(i.Role.Name))}
	case p.After > 0 && column == nil:
		return []Requirement{failure(exitNone, name, "outbox.prune.time_column: a column of the table", "%s has no column %s", p.Table, DisplayName(p.TimeColumn))}
	case p.After > 0 && column.TypeOID != pgtype.TimestampOID && column.TypeOID != pgtype.TimestamptzOID:
		return []Requirement{failure(exitNone, name, "outbox.prune.time_column: a column of type timestamptz",
			"column %s of %s is of type %s, and an age takes timestamptz or timestamp", DisplayName(p.TimeColumn), p.Table, column.Type)}
	case i.Slot == nil:
		return []Requirement{warn(name, "leave outbox.prune out until you have seen that nothing in the table is still to be published",
			"slot %s does not exist yet, and rows from before it count as confirmed if they were written after the publication was made: outbox.prune deletes them unpublished", i.Names.Slot)}
	default:
		return []Requirement{passed(name, "confirmed rows of %s may be deleted", p.Table)}
	}
}

// foreignCodeRequirement judges what pruning would run: nil when nothing.
func foreignCodeRequirement(i *Inspection, p *Pruning) *Requirement {
	list := i.Table.ForeignCode
	if p.Partitions { // the rest is dropped, which runs none of it
		list = slices.DeleteFunc(slices.Clone(list), func(c ForeignCode) bool { return !c.Default })
	}
	e := ForeignCodeError(p.Table, list, i.Role.Name)
	if e == nil {
		return nil
	}
	r := failure(exitNone, "prune", e.Hint, "%s", e.Text)
	return &r
}
