package projection

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection/internal/errtext"
)

// ErrMoved means that the position is not where this process left it: another process
// runs the same projection, or somebody has changed the row.
var ErrMoved = errors.New("projection: the position was moved by another process")

// DDL returns the SQL that creates a position table, for a migration. table is
// Config.Position; "" is its default. It ends with a semicolon and holds no IF NOT
// EXISTS.
//
// generation counts the rebuilds, so that a process that goes on meanwhile knows that
// the tables were replaced and the position is theirs. topic_id is Kafka's id of the topic
// that next_offset is an offset of; it is empty where the brokers know none.
func DDL(table string) (string, error) {
	c := withDefaults(Config{Position: table})
	if !isTable(c.Position) {
		return "", badConfig("Position", "%q: "+wantTable, table, longestName)
	}
	return "CREATE TABLE " + c.Position + ` (
    projection text NOT NULL,
    topic text NOT NULL,
    "partition" integer NOT NULL,
    next_offset bigint NOT NULL,
    generation bigint NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now(),
    topic_id text NOT NULL DEFAULT '',
    PRIMARY KEY (projection, topic, "partition")
);
`, nil
}

// source is a partition of a topic.
type source struct {
	topic     string
	partition int32
}

func (s source) String() string { return fmt.Sprintf("%s/%d", s.topic, s.partition) }

// event is a place, for an observation.
func (s source) event(offset int64) *inbox.Event {
	return &inbox.Event{Topic: s.topic, Partition: s.partition, Offset: offset}
}

// mark is how far a partition is applied.
type mark struct {
	next, generation int64
	topicID          string // "" if it is not known
}

// at returns the mark with another offset.
func (m mark) at(next int64) mark { return mark{next, m.generation, m.topicID} }

// positions is the position table for one key: a projection, or its rebuild. All
// parameters have their types written out, since some of pgx's modes send text.
type positions struct{ table, key string }

// load returns all marks. With lock they stay as they are until the transaction ends.
func (p positions) load(ctx context.Context, tx transaction, lock bool) (map[source]mark, error) {
	query := `SELECT topic, "partition", next_offset, generation, topic_id FROM ` + p.table + ` WHERE projection = $1::text`
	if lock {
		query += ` ORDER BY topic, "partition" FOR UPDATE`
	}
	var text string
	err := tx.Scan(ctx, []any{&text}, `SELECT coalesce(string_agg(`+
		`concat_ws(' ', topic, "partition", next_offset, generation, topic_id), ','), '') FROM (`+query+`) AS marks`, p.key)
	if err != nil {
		return nil, fmt.Errorf("projection: read %s%s: %w", p.table, p.tableFix(err), err)
	}
	return p.parse(text)
}

// tableFix returns what mends the table, if the error is about its form.
func (p positions) tableFix(err error) string {
	return errtext.Table(err, "projection.DDL prints the statement", "ALTER TABLE "+p.table+" ADD COLUMN topic_id text NOT NULL DEFAULT ''")
}

// parse reads marks from the text of load.
func (p positions) parse(text string) (map[source]mark, error) {
	marks := map[source]mark{}
	for entry := range strings.SplitSeq(text, ",") { // names of topics hold neither blanks nor commas
		fields := strings.Fields(entry)
		if len(fields) == 0 {
			continue
		}
		const withID = 5
		fields = append(fields, "")[:withID]
		var numbers [3]int64
		for i := range numbers {
			number, err := strconv.ParseInt(fields[1+i], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", p.table, err)
			}
			numbers[i] = number
		}
		marks[source{fields[0], int32(numbers[0])}] = mark{numbers[1], numbers[2], fields[withID-1]}
	}
	return marks, nil
}

// add sets the first mark of a partition, unless it has one.
func (p positions) add(ctx context.Context, tx transaction, s source, m mark) error {
	_, err := tx.Exec(ctx, "INSERT INTO "+p.table+` (projection, topic, "partition", next_offset, generation, topic_id)
		VALUES ($1::text, $2::text, $3::text::integer, $4::text::bigint, $5::text::bigint, $6::text) ON CONFLICT DO NOTHING`,
		p.key, s.topic, number(int64(s.partition)), number(m.next), number(m.generation), m.topicID)
	if err != nil {
		return fmt.Errorf("insert into %s: %w", p.table, err)
	}
	return nil
}

// adopt gives the marks of a topic that have no id the topic's.
func (p positions) adopt(ctx context.Context, tx transaction, topic, id string) error {
	_, err := tx.Exec(ctx, "UPDATE "+p.table+" SET topic_id = $3::text WHERE projection = $1::text AND topic = $2::text AND topic_id = ''",
		p.key, topic, id)
	if err != nil {
		return fmt.Errorf("update %s: %w", p.table, err)
	}
	return nil
}

// move takes a mark to the next, and says whether it was where it was thought to be.
// A second process waits here for the end of the first one's transaction, which
// Postgres ends when its process is idle, say frozen, for so many milliseconds.
func (p positions) move(ctx context.Context, tx transaction, s source, from mark, to int64, idle string) (bool, error) {
	// The set_config goes along in one round trip; it is volatile, so the planner keeps
	// it although nobody reads it.
	n, err := tx.Exec(ctx, "UPDATE "+p.table+` SET next_offset = $6::text::bigint, moved_at = now()
		FROM (SELECT set_config('idle_in_transaction_session_timeout', $7::text, true)) AS limited
		WHERE projection = $1::text AND topic = $2::text AND "partition" = $3::text::integer
		AND next_offset = $4::text::bigint AND generation = $5::text::bigint`,
		p.key, s.topic, number(int64(s.partition)), number(from.next), number(from.generation), number(to), idle)
	if err != nil {
		return false, fmt.Errorf("update %s: %w", p.table, err)
	}
	return n == 1, nil
}

// number is a parameter that every driver sends alike.
func number(n int64) string { return strconv.FormatInt(n, 10) }
