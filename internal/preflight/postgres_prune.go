package preflight

import (
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
)

// PruneRequirements checks what outbox.prune needs. A fault does not keep `run`
// from streaming.
func PruneRequirements(i *catalog.Inspection, p *provision.Pruning) []Requirement {
	const name = "prune"
	if p == nil {
		return nil
	}
	if r := foreignCodeRequirement(i, p); r != nil {
		return []Requirement{*r}
	}
	grant := fmt.Sprintf("GRANT SELECT, DELETE ON %s TO %s", p.Table.Quoted(), pgname.Quote(i.Role.Name))
	switch column := i.Table.Column(p.TimeColumn); {
	case p.Partitions && !i.Table.Partitioned():
		return []Requirement{failure(startsAnyway, name, "outbox.prune.drop_partitions: false", "%s has no partitions", p.Table)}
	case p.Partitions && !i.Table.Owned:
		return []Requirement{failure(startsAnyway, name,
			fmt.Sprintf("ALTER TABLE %s OWNER TO a role that %s belongs to, its partitions too", p.Table.Quoted(),
				pgname.Quote(i.Role.Name)),
			"outbox.prune drops partitions of %s, and role %s does not own it", p.Table, pgname.QuoteIfNeeded(i.Role.Name))}
	case !i.Table.Readable || !i.Table.Deletable:
		return []Requirement{failure(startsAnyway, name, grant,
			"outbox.prune deletes from %s, and role %s may not: that takes SELECT and DELETE", p.Table, pgname.QuoteIfNeeded(i.Role.Name))}
	case p.After > 0 && column == nil:
		return []Requirement{failure(startsAnyway, name, "outbox.prune.time_column: a column of the table", "%s has no column %s", p.Table,
			pgname.QuoteIfNeeded(p.TimeColumn))}
	case p.After > 0 && column.TypeOID != pgtype.TimestampOID && column.TypeOID != pgtype.TimestamptzOID:
		return []Requirement{failure(startsAnyway, name, "outbox.prune.time_column: a column of type timestamptz",
			"column %s of %s is of type %s, and an age takes timestamptz or timestamp",
			pgname.QuoteIfNeeded(p.TimeColumn), p.Table, column.Type)}
	case i.Slot == nil:
		return []Requirement{warn(name, "leave outbox.prune out until you have seen that nothing in the table is still to be published",
			"slot %s does not exist yet, and rows from before it count as confirmed if they were written after the publication was "+
				"made: outbox.prune deletes them unpublished", i.Names.Slot)}
	default:
		return []Requirement{passed(name, "confirmed rows of %s may be deleted", p.Table)}
	}
}

// foreignCodeRequirement checks what pruning would run, and returns nil when nothing.
func foreignCodeRequirement(i *catalog.Inspection, p *provision.Pruning) *Requirement {
	list := i.Table.ForeignCode
	if p.Partitions { // the rest is dropped, which runs none of it
		list = slices.DeleteFunc(slices.Clone(list), func(c catalog.ForeignCode) bool { return !c.Default })
	}
	e := provision.ForeignCodeError(p.Table, list, i.Role.Name)
	if e == nil {
		return nil
	}
	r := failure(startsAnyway, "prune", e.Hint, "%s", e.Text)
	return &r
}
