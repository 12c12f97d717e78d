package eventstore

import "github.com/walpost/walpost/pkg/eventstore/internal/pgname"

// statements are those of a Store. All parameters are texts with their types written
// out, which every driver sends alike.
type statements struct {
	version      string // of an aggregate; 0 without events
	events       string // behind a version
	snapshot     string
	saveSnapshot string
}

func statementsOf(c *Config) statements {
	columns := c.Outbox.Columns
	of := " FROM " + c.Outbox.Table + " WHERE " + pgname.Quote(columns.AggregateType) + "::text = $1::text AND " +
		pgname.Quote(columns.AggregateID) + "::text = $2::text"
	if plain := c.Outbox.Types[columns.AggregateType] == "" && c.Outbox.Types[columns.AggregateID] == ""; plain { // the index serves
		of = " FROM " + c.Outbox.Table + " WHERE " + pgname.Quote(columns.AggregateType) + " = $1::text AND " +
			pgname.Quote(columns.AggregateID) + " = $2::text"
	}
	payload := pgname.Quote(columns.Payload) + "::text"
	if c.Outbox.Types[columns.Payload] == "bytea" {
		payload = pgname.Quote(columns.Payload)
	}
	return statements{
		version: "SELECT coalesce(max(" + Version + "), 0)" + of,
		events: "SELECT " + pgname.Quote(columns.ID) + "::text, " + Version +
			", " + pgname.Quote(columns.Type) + "::text, " + payload + of +
			" AND " + Version + " > $3::text::bigint ORDER BY " + Version,
		snapshot: "SELECT version, state FROM " + c.Snapshots +
			" WHERE aggregate_type = $1::text AND aggregate_id = $2::text AND schema = $3::text::integer",
		saveSnapshot: "INSERT INTO " + c.Snapshots + ` AS s (aggregate_type, aggregate_id, version, schema, state)
			VALUES ($1::text, $2::text, $3::text::bigint, $4::text::integer, decode($5::text, 'hex'))
			ON CONFLICT (aggregate_type, aggregate_id) DO UPDATE
			SET version = excluded.version, schema = excluded.schema, state = excluded.state, taken_at = now()
			WHERE s.schema <> excluded.schema OR s.version < excluded.version`,
	}
}
