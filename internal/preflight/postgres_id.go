package preflight

import (
	"fmt"
	"strings"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres/catalog"
)

// idRequirements checks whether the ids of events are unique, as consumers that recognise
// a repeat by its id need them: nothing without the column.
func idRequirements(i *catalog.Inspection, want PostgresExpectations) []Requirement {
	const name = "event id"
	c := i.Table.Column(want.Columns.ID)
	if c == nil {
		return nil
	}
	table, column := i.Names.Table, pgname.QuoteIfNeeded(c.Name)
	numbers := ""
	if isInteger(c) {
		numbers = "numbers are unique in one table only: another service, TRUNCATE … RESTART IDENTITY or a restored table uses them " +
			"again. pkg/inbox also compares topic, type, key and payload; another consumer may take a new event for a repeat. A uuid " +
			"is never used twice"
	}
	switch {
	case !c.Unique:
		fix := fmt.Sprintf("CREATE UNIQUE INDEX CONCURRENTLY ON %s (%s)", table.Quoted(), pgname.Quote(c.Name))
		if i.Table.Partitioned() {
			fix = fmt.Sprintf("ALTER TABLE %s ADD PRIMARY KEY (%s, the columns of the partition key)", table.Quoted(), pgname.Quote(c.Name))
		}
		detail := fmt.Sprintf("nothing keeps %s of %s unique: of two events with one id, a consumer may take the second for a repeat",
			column, table)
		if numbers != "" {
			detail += "; and " + numbers
		}
		return []Requirement{warn(name, fix, "%s", detail)}
	case numbers != "":
		return []Requirement{passed(name, "%s", column+" "+c.Type+": "+numbers)}
	default:
		return []Requirement{passed(name, "%s %s is unique", column, c.Type)}
	}
}

// isInteger reports whether a column has numbers, of a sequence or of the service.
func isInteger(c *catalog.TableColumn) bool {
	switch c.TypeOID {
	case 20, 21, 23: // int8, int2, int4
		return true
	default:
		return strings.HasPrefix(c.Default, "nextval(")
	}
}
