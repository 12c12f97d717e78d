package preflight

import (
	"fmt"
	"slices"
	"strings"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/status"
)

func tableRequirement(i *catalog.Inspection, want PostgresExpectations) Requirement {
	const name = "table"
	table, t := i.Names.Table, i.Table
	switch {
	case t == nil:
		return failure(status.ExitRequirement, name, "walpost init -c FILE, or: "+provision.CreateTableSQL(table, want.Columns),
			"%s does not exist in database %s", table, pgname.QuoteIfNeeded(i.Server.Database))
	case t.IsPartition:
		return failure(status.ExitRequirement, name, "outbox.table: "+t.Root.String(),
			"%s is a partition: name the root %s", table, t.Root)
	case t.Kind != "r" && t.Kind != "p":
		return failure(status.ExitRequirement, name, "outbox.table must name a table", "%s is not a table but %s", table, kindWords(t.Kind))
	case t.Persistence != "p":
		return failure(status.ExitRequirement, name, "ALTER TABLE "+table.Quoted()+" SET LOGGED",
			"%s is unlogged or temporary: its rows are not in the WAL", table)
	case t.Partitioned() && len(t.Updaters()) > 0:
		roles := strings.Join(t.Updaters(), ", ")
		return warn(name, fmt.Sprintf("REVOKE UPDATE ON %s FROM %s", table.Quoted(), roles),
			"%s is partitioned, and %s may UPDATE it: a row whose partition key changes is published again", table, roles)
	case t.Partitioned():
		return passed(name, "%s, partitioned", table)
	default:
		return passed(name, "%s", table)
	}
}

func kindWords(relkind string) string {
	switch relkind {
	case "v":
		return "a view"
	case "m":
		return "a materialized view"
	case "f":
		return "a foreign table"
	case "S":
		return "a sequence"
	case "i", "I":
		return "an index"
	case "c":
		return "a composite type"
	default:
		return "a relation of kind " + relkind
	}
}

// columnRequirements checks today's table. With an existing slot `run` goes by
// the Relation messages of the rows it reads, so that no fault here stops it.
func columnRequirements(i *catalog.Inspection, want PostgresExpectations) []Requirement {
	exit := status.ExitRequirement
	if i.Slot != nil {
		exit = startsAnyway
	}
	var present, faults []Requirement
	var names []string
	for _, n := range want.Columns.List() {
		c := i.Table.Column(n.Column)
		switch {
		case c == nil && !n.Needed:
		case c == nil:
			faults = append(faults, failure(exit, "column "+pgname.QuoteIfNeeded(n.Column),
				fmt.Sprintf("change outbox.%s, or add the column to %s", n.Part, i.Names.Table),
				"%s has no such column, which outbox.%s names; it has %s", i.Names.Table, n.Part, columnNames(i.Table)))
		case neverPublished(i, c):
			faults = append(faults, neverPublishedRequirement(i, c))
		default:
			names = append(names, pgname.QuoteIfNeeded(c.Name)+" "+c.Type)
		}
	}
	if len(names) > 0 {
		present = append(present, passed("columns", "%s", strings.Join(names, ", ")))
	}
	if want.CheckColumns != nil && len(faults) == 0 {
		for _, r := range want.CheckColumns(i.Table.Relation(i.Names.Table)) {
			if r.State == Failed {
				r.Exit = exit
			}
			faults = append(faults, r)
		}
	}
	return append(present, faults...)
}

// neverPublished reports whether no publication can publish the column.
func neverPublished(i *catalog.Inspection, c *catalog.TableColumn) bool {
	return c.Generated != "" && (i.Server.Major < 18 || c.Generated != catalog.GeneratedStored)
}

// neverPublishedRequirement stops `run` also with an existing slot: the stream has not
// had the column since it is generated.
func neverPublishedRequirement(i *catalog.Inspection, c *catalog.TableColumn) Requirement {
	name := "column " + pgname.QuoteIfNeeded(c.Name)
	if i.Server.Major < 18 {
		return failure(status.ExitRequirement, name, "use a column that is stored by INSERT",
			"is generated, and Postgres %d does not publish generated columns", i.Server.Major)
	}
	return failure(status.ExitRequirement, name, "use a column that is stored by INSERT, or GENERATED ALWAYS AS (…) STORED",
		"is a virtual generated column, and Postgres publishes only stored ones")
}

func columnNames(t *catalog.Table) string {
	var names []string
	for _, c := range t.Columns {
		names = append(names, pgname.QuoteIfNeeded(c.Name))
	}
	return strings.Join(names, ", ")
}

func publicationRequirement(i *catalog.Inspection, want PostgresExpectations) Requirement {
	const name = "publication"
	p := pgname.QuoteIfNeeded(i.Names.Publication)
	sql := provision.PublicationSQL(i, want.Columns)
	messages := i.Names.Table.IsZero()
	mayCreate := i.Role.Superuser ||
		(i.Role.CreateInDatabase || !i.Knows(catalog.QuestionRole)) && (messages || i.Table != nil && i.Table.Owned)
	switch {
	case i.Publication != nil && messages:
		return passed(name, "%s exists, messages are in the stream whatever it publishes", p)
	case i.Publication != nil:
		return passed(name, "%s publishes %s", p, i.Publication.Operations())
	case i.Slot != nil && messages && i.Server.Major >= 18:
		return warn(name, sql, "%s does not exist: messages are in the stream all the same", p)
	case i.Slot != nil && messages:
		return failure(status.ExitHalted, name,
			sql+"; if the stream then breaks all the same: walpost drop -c FILE and walpost init -c FILE",
			"%s does not exist, but slot %s does: before Postgres 18 the first change of any table breaks the stream", p, i.Names.Slot)
	case i.Slot != nil:
		return failure(status.ExitHalted, name, sql+"; then walpost recover -c FILE",
			"%s does not exist, but slot %s does: rows committed while it is missing are not in the stream", p, i.Names.Slot)
	case !want.Create:
		return failure(status.ExitRequirement, name, "walpost init -c FILE, or: "+sql, "%s does not exist, and postgres.create is false", p)
	case !mayCreate && messages:
		return failure(status.ExitRequirement, name, "as a role with CREATE on the database: "+sql+"; then walpost init -c FILE",
			"%s does not exist, and role %s may not create it: that takes CREATE on the database", p, pgname.QuoteIfNeeded(i.Role.Name))
	case !mayCreate:
		return failure(status.ExitRequirement, name, "as the owner of the table: "+sql+"; then walpost init -c FILE",
			"%s does not exist, and role %s may not create it: that takes CREATE on the database and ownership of the table",
			p, pgname.QuoteIfNeeded(i.Role.Name))
	default:
		return passed(name, "%s does not exist yet: the first start of run creates it", p)
	}
}

// publishedRequirements checks what the publication publishes of the table. A
// fault here loses rows silently, so it halts; a partitioned table without its root ends
// the start with exit code 3.
func publishedRequirements(i *catalog.Inspection, want PostgresExpectations) []Requirement {
	pub, table, name := i.Publication, i.Names.Table, pgname.QuoteIfNeeded(i.Names.Publication)
	alter := "ALTER PUBLICATION " + pgname.Quote(i.Names.Publication)
	var list []Requirement
	if !pub.Insert {
		list = append(list, failure(status.ExitHalted, "published inserts", alter+" SET (publish = 'insert')",
			"%s does not publish inserts", name))
	}
	switch {
	case i.Table.Partitioned() && !pub.ViaRoot:
		list = append(list, failure(status.ExitRequirement, "published table", alter+" SET (publish_via_partition_root = true)",
			"%s is partitioned, and %s does not publish it through its root", table, name))
	case !publishesWhole(i):
		return append(list, failure(status.ExitHalted, "published table",
			alter+" ADD TABLE "+table.Quoted()+"; then walpost recover -c FILE",
			"%s is not in publication %s: its rows are not in the stream", table, name))
	default:
		list = append(list, passed("published table", "%s is in publication %s", table, name))
	}
	list = append(list, publishedRows(i, want)...)
	if (pub.Update || pub.Delete) && i.Table.WithoutIdentity > 0 {
		list = append(list, warn("replica identity", alter+" SET (publish = 'insert')",
			"%s publishes %s, and %s has no primary key: UPDATE and DELETE of the application fail (SQLSTATE 55000)",
			name, pub.Operations(), table))
	}
	return list
}

// publishesWhole reports whether all rows of the table are published. A publication that
// publishes single partitions through the root does not name the root.
func publishesWhole(i *catalog.Inspection) bool {
	if !i.Table.Partitioned() {
		return len(i.Publication.Published) > 0
	}
	return slices.ContainsFunc(i.Publication.Published, func(p catalog.PublishedTable) bool { return p.Table == i.Names.Table })
}

// publishedRows finds row filters and column lists that hide what is needed.
func publishedRows(i *catalog.Inspection, want PostgresExpectations) []Requirement {
	var list []Requirement
	for _, p := range i.Publication.Published {
		again := fmt.Sprintf("BEGIN; ALTER PUBLICATION %s DROP TABLE %s; ALTER PUBLICATION %[1]s ADD TABLE %[2]s; COMMIT; then walpost "+
			"recover -c FILE",
			pgname.Quote(i.Names.Publication), p.Table.Quoted())
		if p.Filter != "" {
			list = append(list, failure(status.ExitHalted, "row filter", again,
				"publication %s hides rows of %s: WHERE %s", pgname.QuoteIfNeeded(i.Names.Publication), p.Table, p.Filter))
		}
		hidden, generated := hiddenColumns(i, p, want.Columns)
		if len(hidden) > 0 {
			list = append(list, failure(status.ExitHalted, "column list", again,
				"publication %s does not publish %s of %s", pgname.QuoteIfNeeded(i.Names.Publication), strings.Join(hidden, ", "), p.Table))
		}
		if len(generated) > 0 {
			list = append(list, failure(status.ExitHalted, "generated columns",
				"ALTER PUBLICATION "+pgname.Quote(i.Names.Publication)+" SET ("+provision.GeneratedOption+
					"); then walpost recover -c FILE",
				"publication %s does not publish %s of %s, which is generated", pgname.QuoteIfNeeded(i.Names.Publication),
				strings.Join(generated, ", "), p.Table))
		}
	}
	return list
}

// hiddenColumns are the columns in use that the publication does not publish: those
// that a column list leaves out, and those that an option leaves out.
func hiddenColumns(i *catalog.Inspection, p catalog.PublishedTable, columns catalog.OutboxColumns) (listed, generated []string) {
	for _, name := range columns.Names() {
		c := i.Table.Column(name)
		if p.Columns == nil || c == nil || slices.Contains(p.Columns, name) || neverPublished(i, c) {
			continue
		}
		if c.Generated != "" && !i.Publication.Generated {
			generated = append(generated, pgname.QuoteIfNeeded(name))
		} else {
			listed = append(listed, pgname.QuoteIfNeeded(name))
		}
	}
	return listed, generated
}
