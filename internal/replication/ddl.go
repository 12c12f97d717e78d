package replication

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// TableName is a table by its two parts, unquoted.
type TableName struct{ Schema, Name string }

// IsZero says that there is no table: events are messages.
func (n TableName) IsZero() bool { return n == TableName{} }

// Quoted gives the name as SQL wants it, always quoted.
func (n TableName) Quoted() string { return pgx.Identifier{n.Schema, n.Name}.Sanitize() }

// String gives the name as a person writes it: quoted only where SQL needs it.
func (n TableName) String() string { return displayName(n.Schema) + "." + displayName(n.Name) }

// Quote gives an identifier in double quotes.
func Quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func quoteLiteral(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func displayName(name string) string {
	plain := name != "" && (name[0] < '0' || name[0] > '9')
	for _, c := range name {
		plain = plain && (c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
	}
	if plain {
		return name
	}
	return Quote(name)
}

// OutboxColumns says which column plays which part, as the `outbox` section of
// the configuration does. "" means: no column.
type OutboxColumns struct {
	ID        string
	Topic     []string // columns of the topic template
	Key       string
	Value     string
	Headers   []string
	Timestamp string
	Partition string
}

// Needed is a column that must be there, and the key of the configuration that
// asks for it.
type Needed struct {
	Column string
	Part   string // key under `outbox`: id, topic, key, value, timestamp, partition, headers
}

// List gives each column once, in the order of Debezium's outbox table.
func (c OutboxColumns) List() []Needed {
	all := []Needed{{c.ID, "id"}}
	for _, name := range c.Topic {
		all = append(all, Needed{name, "topic"})
	}
	all = append(all, Needed{c.Key, "key"})
	for _, name := range c.Headers {
		all = append(all, Needed{name, "headers"})
	}
	all = append(all, Needed{c.Value, "value"}, Needed{c.Timestamp, "timestamp"}, Needed{c.Partition, "partition"})
	seen := map[string]bool{"": true}
	var list []Needed
	for _, n := range all {
		if !seen[n.Column] {
			seen[n.Column] = true
			list = append(list, n)
		}
	}
	return list
}

// Names gives the columns alone.
func (c OutboxColumns) Names() []string {
	names := []string{}
	for _, n := range c.List() {
		names = append(names, n.Column)
	}
	return names
}

// CreateTableSQL is the outbox table of Debezium's documentation, with the
// columns as configured.
func CreateTableSQL(table TableName, columns OutboxColumns) string {
	types := map[string]string{
		"id": "uuid PRIMARY KEY", "topic": "text NOT NULL", "key": "text NOT NULL", "headers": "text NOT NULL",
		"value": "jsonb", "timestamp": "timestamptz NOT NULL DEFAULT now()", "partition": "integer",
	}
	var defs []string
	for _, n := range columns.List() {
		defs = append(defs, "    "+Quote(n.Column)+" "+types[n.Part])
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
func CreatePublicationSQL(publication string, table TableName, with PublicationOptions) string {
	options := "publish = 'insert'"
	if table.IsZero() {
		return fmt.Sprintf("CREATE PUBLICATION %s WITH (%s)", Quote(publication), options)
	}
	if with.ViaRoot {
		options += ", publish_via_partition_root = true"
	}
	if with.Generated {
		options += ", " + generatedOption
	}
	return fmt.Sprintf("CREATE PUBLICATION %s FOR TABLE %s WITH (%s)", Quote(publication), table.Quoted(), options)
}

// generatedOption makes a publication publish stored generated columns.
const generatedOption = "publish_generated_columns = stored"

// CreateSlotSQL is the slot for people who create it by hand. failover needs
// Postgres 17.
func CreateSlotSQL(slot string, failover bool) string {
	if failover {
		return "SELECT pg_create_logical_replication_slot(" + quoteLiteral(slot) + ", 'pgoutput', failover => true)"
	}
	return "SELECT pg_create_logical_replication_slot(" + quoteLiteral(slot) + ", 'pgoutput')"
}

// createSlotCommand is the slot in the replication protocol's own grammar, which
// needs no right to call functions and exports no snapshot.
func createSlotCommand(slot string, failover bool, major int) string {
	command := "CREATE_REPLICATION_SLOT " + Quote(slot) + " LOGICAL pgoutput "
	switch {
	case major < 15:
		return command + "NOEXPORT_SNAPSHOT"
	case failover:
		return command + "(SNAPSHOT 'nothing', FAILOVER true)"
	default:
		return command + "(SNAPSHOT 'nothing')"
	}
}
