package inbox

import (
	"strconv"
	"time"

	"github.com/walpost/walpost/pkg/inbox/internal/pgname"
)

// DDL returns the SQL that creates an inbox table, for a migration. table is Config.Table;
// "" is its default, inbox. It ends with a semicolon and has no IF NOT EXISTS. The index is
// for [Prune]. The error is a [*ConfigError].
func DDL(table string) (string, error) {
	config := withDefaults(Config{Table: table})
	if !pgname.IsTable(config.Table) {
		return "", badConfig("Table", "%q: want table or schema.table in SQL syntax", table)
	}
	return "CREATE TABLE " + config.Table + ` (
    consumer_group text NOT NULL,
    event_id text NOT NULL,
    processed_at timestamptz NOT NULL DEFAULT now(),
    event_digest bytea NOT NULL DEFAULT '', -- SHA-256 of topic, type, key and payload
    PRIMARY KEY (consumer_group, event_id, event_digest)
);
CREATE INDEX ON ` + config.Table + ` (processed_at);
`, nil
}

// ParkedDDL returns the SQL that creates the table of parked records, for a configuration
// with RetryTopic. table is Config.Parked; "" is its default, inbox_parked. Otherwise it is
// as [DDL].
func ParkedDDL(table string) (string, error) {
	config := withDefaults(Config{Parked: table})
	if !pgname.IsTable(config.Parked) {
		return "", badConfig("Parked", "%q: want table or schema.table in SQL syntax", table)
	}
	return "CREATE TABLE " + config.Parked + ` (
    consumer_group text NOT NULL,
    topic text NOT NULL,
    key_hash bytea NOT NULL, -- SHA-256 of the record's key
    event_id text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, topic, key_hash, event_id)
);
`, nil
}

// statements are those of a consumer.
type statements struct {
	one, many string
	parks     bool // with a retry topic: the others are set
	// oneUnlessParked is one for a key that is not parked; many is so too.
	oneUnlessParked, park, parkBehind, unpark string
	// idle is for how many milliseconds Postgres lets the transaction wait for us: a string,
	// as an argument.
	idle any
}

// statementsOf writes them. The set_config goes with the insert in one round trip;
// it is volatile, so the planner keeps it although nobody reads it.
func statementsOf(c *Config) statements {
	const slack = 5 * time.Second // our own time-out comes first
	into := "INSERT INTO " + c.Table + " (consumer_group, event_id, event_digest) "
	limit := "(SELECT set_config('idle_in_transaction_session_timeout', $3::text, true)) AS limited"
	const conflict = " ON CONFLICT (consumer_group, event_id, event_digest) DO NOTHING"
	// Rows of before the column event_digest know an event by its id alone.
	unlessOld := " WHERE NOT EXISTS (SELECT FROM " + c.Table +
		" AS old WHERE old.consumer_group = $1::text AND old.event_digest = '' AND old.event_id = "
	one := into + "SELECT $1::text, $2::text, decode($4::text, 'hex') FROM " + limit + unlessOld + "$2::text)"
	many := into + "SELECT $1::text, new.id, new.digest FROM " + limit +
		", unnest($2::text::text[], $4::text::bytea[]) AS new (id, digest)" + unlessOld + "new.id)"
	s := statements{one: one + conflict, many: many + conflict, idle: strconv.FormatInt((c.AttemptTimeout + slack).Milliseconds(), 10)}
	if c.RetryTopic == "" {
		return s
	}
	s.parks = true
	unless := " AND NOT EXISTS (SELECT FROM " + c.Parked + " WHERE consumer_group = $1::text AND topic = $5::text AND key_hash = "
	s.oneUnlessParked = one + unless + "decode($6::text, 'hex'))" + conflict
	s.many = many + unless + "ANY ($6::text::bytea[]))" + conflict
	const key = " WHERE consumer_group = $1::text AND topic = $2::text AND key_hash = decode($3::text, 'hex')"
	park := "INSERT INTO " + c.Parked +
		" (consumer_group, topic, key_hash, event_id) SELECT $1::text, $2::text, decode($3::text, 'hex'), $4::text"
	const again = " ON CONFLICT (consumer_group, topic, key_hash, event_id) DO UPDATE SET parked_at = now()"
	s.park = park + again
	s.parkBehind = park + " WHERE EXISTS (SELECT FROM " + c.Parked + key + ")" + again
	s.unpark = "DELETE FROM " + c.Parked + key + " AND event_id IN ($4::text, $5::text)"
	return s
}
