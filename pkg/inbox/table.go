package inbox

import (
	"github.com/walpost/walpost/pkg/inbox/internal/pgname"
	"github.com/walpost/walpost/pkg/inbox/internal/statements"
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

func statementsOf(c *Config) statements.Statements {
	parked := ""
	if c.RetryTopic != "" {
		parked = c.Parked
	}
	return statements.New(c.Table, parked, c.AttemptTimeout)
}
