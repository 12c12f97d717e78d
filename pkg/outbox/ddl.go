package outbox

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/walpost/walpost/pkg/outbox/internal/pgname"
)

// partitionSuffix is what package retention adds to the name of the table for the
// partition of a day.
const partitionSuffix = "_p20060102"

// DDL returns the SQL that creates the table of a configuration, for a migration. It
// ends with a semicolon and holds no IF NOT EXISTS.
//
// With Config.Partitioned it is a table partitioned by day and a default partition,
// which takes the rows of days without one, so that no write ever fails for want of
// a partition. The publication then needs publish_via_partition_root, as
// `walpost init` makes it.
func DDL(config Config) (string, error) {
	o, err := New(config)
	if err != nil {
		return "", err
	}
	return o.DDL(), nil
}

// DDL returns the SQL that creates the table. See the function [DDL].
func (w *Writer) DDL() string {
	var lines []string
	for i := range w.columns {
		col := &w.columns[i]
		line := pgname.Quote(col.name) + " " + col.sql
		if i < indexPayload {
			line += " NOT NULL"
		}
		lines = append(lines, line)
	}
	key := pgname.Quote(w.columns[indexID].name)
	created := w.config.Columns.CreatedAt
	if created != "" {
		lines = append(lines, pgname.Quote(created)+" "+cmp.Or(w.config.Types[created], "timestamptz")+" NOT NULL DEFAULT now()")
	}
	if w.config.Partitioned {
		key += ", " + pgname.Quote(created) // a key of a partitioned table must have its columns
	}
	lines = append(lines, "PRIMARY KEY ("+key+")")
	table := fmt.Sprintf("CREATE TABLE %s (\n    %s\n)", w.table.Quoted(), strings.Join(lines, ",\n    "))
	if !w.config.Partitioned {
		return table + ";\n"
	}
	return table + " PARTITION BY RANGE (" + pgname.Quote(created) + ");\n" +
		"CREATE TABLE " + w.defaultPartition().Quoted() + " PARTITION OF " + w.table.Quoted() + " DEFAULT;\n"
}

func (w *Writer) defaultPartition() pgname.Table {
	return pgname.Table{Schema: w.table.Schema, Name: w.table.Name + "_default"}
}
