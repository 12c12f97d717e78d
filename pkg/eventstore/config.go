package eventstore

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/walpost/walpost/pkg/eventstore/internal/pgname"
	"github.com/walpost/walpost/pkg/outbox"
)

// Config describes the tables. The zero value is events and events_snapshot in the
// schema public.
type Config struct {
	// Outbox is the table of events, as package outbox has it: columns, types, further
	// headers, codec, limits, trace context. Table defaults to public.events; it must be
	// of small letters, digits and _. Give the relay the header version:
	// `headers: {eventType: type, version: version}`.
	Outbox outbox.Config

	// Snapshots is the table of snapshots. Defaults to the table of events with
	// _snapshot behind.
	Snapshots string

	// SnapshotSchema is the version of the state's form. Snapshots of other versions are not
	// used: raise it when the type of the state changes, and aggregates are loaded from
	// their events until they have a new snapshot. Defaults to 0.
	SnapshotSchema int32

	// Decode reads a snapshot back; Outbox.Codec writes it. Defaults to json.Unmarshal.
	Decode func(data []byte, state any) error
}

// Version is the column and the header of an event's version.
const Version = "version"

// tableName keeps to names that need no quotes, so that they are the same to the
// package outbox and here.
var tableName = regexp.MustCompile(`^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]{0,40}$`)

// Store appends and loads. It is safe for concurrent use.
type Store struct {
	config Config
	outbox *outbox.Writer
	sql    statements
}

// New returns a Store for a configuration. It touches no database. Its error has
// all faults, each a [*ConfigError].
func New(config Config) (*Store, error) {
	c := withDefaults(config)
	o, err := outbox.New(c.Outbox)
	if err := errors.Join(c.check(), ofOutbox(err)); err != nil {
		return nil, err
	}
	return &Store{config: c, outbox: o, sql: statementsOf(&c)}, nil
}

// withDefaults fills what is empty, and adds the column of the version.
func withDefaults(c Config) Config {
	c.Outbox.Table = qualified(cmp.Or(c.Outbox.Table, "events"))
	c.Snapshots = qualified(cmp.Or(c.Snapshots, c.Outbox.Table+"_snapshot"))
	columns := &c.Outbox.Columns
	columns.ID, columns.AggregateType = cmp.Or(columns.ID, "id"), cmp.Or(columns.AggregateType, "aggregatetype")
	columns.AggregateID, columns.Type = cmp.Or(columns.AggregateID, "aggregateid"), cmp.Or(columns.Type, "type")
	columns.Payload = cmp.Or(columns.Payload, "payload")
	c.Outbox.Headers = append(slices.Clone(c.Outbox.Headers), outbox.HeaderColumn{Header: Version, Column: Version})
	c.Outbox.Types = maps.Clone(c.Outbox.Types)
	if c.Outbox.Types == nil {
		c.Outbox.Types = map[string]string{}
	}
	c.Outbox.Types[Version] = "bigint"
	if c.Outbox.Codec == nil {
		c.Outbox.Codec = json.Marshal
	}
	if c.Decode == nil {
		c.Decode = json.Unmarshal
	}
	return c
}

func qualified(table string) string {
	if strings.Contains(table, ".") {
		return table
	}
	return "public." + table
}

// constraint is the name of the unique constraint, by which a conflict is known.
func (c *Config) constraint() string {
	return c.Outbox.Table[strings.IndexByte(c.Outbox.Table, '.')+1:] + "_version_key"
}

// DDL returns the SQL that creates the tables, for a migration. It ends with a semicolon
// and holds no IF NOT EXISTS.
func (s *Store) DDL() string {
	c := &s.config
	columns := c.Outbox.Columns
	return s.outbox.DDL() +
		"ALTER TABLE " + c.Outbox.Table + "\n    ALTER COLUMN " + Version + " SET NOT NULL,\n" +
		"    ADD CONSTRAINT " + c.constraint() + " UNIQUE (" + pgname.Quote(columns.AggregateType) + ", " +
		pgname.Quote(columns.AggregateID) + ", " + Version + ");\n" +
		"CREATE TABLE " + c.Snapshots + ` (
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    version bigint NOT NULL,
    schema integer NOT NULL,
    state bytea NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (aggregate_type, aggregate_id)
);
`
}
