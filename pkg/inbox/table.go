package inbox

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// tableName is a name in SQL syntax, perhaps with a schema.
func tableName() *regexp.Regexp {
	const name = `("([^"\x00]|"")+"|[\pL_][\pL\pN_$]*)`
	return regexp.MustCompile(`^` + name + `(\.` + name + `)?$`)
}

// DDL gives the SQL that makes an inbox table, for a migration. table is
// Config.Table; "" is its default. It ends with a semicolon and holds no IF NOT
// EXISTS. The index serves [Prune].
func DDL(table string) (string, error) {
	config := withDefaults(Config{Table: table})
	if !tableName().MatchString(config.Table) {
		return "", fmt.Errorf("%w: table %q: want table or schema.table in SQL syntax", ErrConfig, table)
	}
	return "CREATE TABLE " + config.Table + ` (
    consumer_group text NOT NULL,
    event_id text NOT NULL,
    processed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, event_id)
);
CREATE INDEX ON ` + config.Table + ` (processed_at);
`, nil
}

// statements are those of a consumer.
type statements struct {
	one, many string
	// idle is for how many milliseconds Postgres lets the transaction wait for us.
	idle string
}

// statementsOf writes them. The set_config goes with the insert in one round trip;
// it is volatile, so the planner keeps it although nobody reads it.
func statementsOf(table string, attempt time.Duration) statements {
	const slack = 5 * time.Second // our own time-out comes first
	into := "INSERT INTO " + table + " (consumer_group, event_id) "
	limit := "(SELECT set_config('idle_in_transaction_session_timeout', $3::text, true)) AS limited"
	const conflict = " ON CONFLICT (consumer_group, event_id) DO NOTHING"
	return statements{
		one:  into + "SELECT $1::text, $2::text FROM " + limit + conflict,
		many: into + "SELECT $1::text, id FROM " + limit + ", unnest($2::text::text[]) AS id" + conflict,
		idle: strconv.FormatInt((attempt + slack).Milliseconds(), 10),
	}
}

// arrayOf is the text of an array, which every driver can send.
func arrayOf(events []*Event) string {
	var b strings.Builder
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	for i, e := range events {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteByte('"')
		_, _ = escape.WriteString(&b, e.ID)
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}
