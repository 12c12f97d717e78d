package provision

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres/catalog"
)

// CreateTableSQL is the outbox table of Debezium's documentation, with the
// columns as configured.
func CreateTableSQL(table pgname.Table, columns catalog.OutboxColumns) string {
	types := map[string]string{
		"id": "uuid PRIMARY KEY", "topic": "text NOT NULL", "key": "text NOT NULL", "headers": "text NOT NULL",
		"value": "jsonb", "timestamp": "timestamptz NOT NULL DEFAULT now()", "partition": "integer",
		"format.envelope": "text", "format.schema_version": "integer NOT NULL",
	}
	var defs []string
	for _, n := range columns.List() {
		defs = append(defs, "    "+pgname.Quote(n.Column)+" "+cmp.Or(n.Type, types[n.Part]))
	}
	return fmt.Sprintf("CREATE TABLE %s (\n%s\n)", table.Quoted(), strings.Join(defs, ",\n"))
}

// PublicationOptions are what a table needs of its publication.
type PublicationOptions struct {
	ViaRoot   bool // it is partitioned
	Generated bool // a column in use is generated and stored (Postgres 18)
}

// CreatePublicationSQL publishes inserts only: nothing else is relayed, and an
// UPDATE or DELETE never fails for want of a replica identity. Without a table it
// publishes nothing, which is enough for messages.
func CreatePublicationSQL(publication string, table pgname.Table, with PublicationOptions) string {
	options := "publish = 'insert'"
	if table.IsZero() {
		return fmt.Sprintf("CREATE PUBLICATION %s WITH (%s)", pgname.Quote(publication), options)
	}
	if with.ViaRoot {
		options += ", publish_via_partition_root = true"
	}
	if with.Generated {
		options += ", " + GeneratedOption
	}
	return fmt.Sprintf("CREATE PUBLICATION %s FOR TABLE %s WITH (%s)", pgname.Quote(publication), table.Quoted(), options)
}

// GeneratedOption makes a publication publish stored generated columns.
const GeneratedOption = "publish_generated_columns = stored"

// CreateSlotSQL is the slot for people who create it by hand. failover needs
// Postgres 17.
func CreateSlotSQL(slot string, failover bool) string {
	if failover {
		return "SELECT pg_create_logical_replication_slot(" + pgname.CommandLiteral(slot) + ", 'pgoutput', failover => true)"
	}
	return "SELECT pg_create_logical_replication_slot(" + pgname.CommandLiteral(slot) + ", 'pgoutput')"
}

// createSlotCommand is the slot in the replication protocol's own grammar, which
// needs no right to call functions.
func createSlotCommand(slot string, o slotOptions, major int) string {
	command := "CREATE_REPLICATION_SLOT " + pgname.Quote(slot) + " LOGICAL pgoutput "
	switch {
	case major < 15 && o.snapshot:
		return command + "EXPORT_SNAPSHOT"
	case major < 15:
		return command + "NOEXPORT_SNAPSHOT"
	}
	options := "SNAPSHOT 'nothing'"
	if o.snapshot {
		options = "SNAPSHOT 'export'"
	}
	if o.failover {
		options += ", FAILOVER true"
	}
	return command + "(" + options + ")"
}

// publicationNeeds are what the table needs of its publication, as it is now.
func publicationNeeds(i *catalog.Inspection, columns catalog.OutboxColumns) (o PublicationOptions) {
	if i.Table == nil {
		return o
	}
	o.ViaRoot = i.Table.Partitioned()
	for _, name := range columns.Names() {
		if c := i.Table.Column(name); c != nil && c.Generated == catalog.GeneratedStored && i.Server.Major >= 18 {
			o.Generated = true
		}
	}
	return o
}

// PublicationSQL is the publication that the table needs as it is now.
func PublicationSQL(i *catalog.Inspection, columns catalog.OutboxColumns) string {
	return CreatePublicationSQL(i.Names.Publication, i.Names.Table, publicationNeeds(i, columns))
}
