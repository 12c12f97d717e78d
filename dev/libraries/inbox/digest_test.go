package inbox_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
)

// An id that comes again for another event is no repeat: of another table with a serial
// column, or after TRUNCATE … RESTART IDENTITY. The same record again is one, whatever its
// further headers and its timestamp.
func TestSameIDOfAnotherEvent(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*inbox.Config){
		"one by one": func(*inbox.Config) {},
		"batches":    func(c *inbox.Config) { c.Batch = 20 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, 1)
			config := f.config(t)
			change(&config)
			again := f.message("1", "k")
			again.Timestamp = time.Now().Add(-time.Hour)
			again.Headers = append(again.Headers, sarama.RecordHeader{Key: []byte("position"), Value: []byte("0/1")})
			other, tombstone, empty := f.message("1", "k"), f.message("1", "k"), f.message("1", "k")
			other.Value = sarama.StringEncoder("another")
			tombstone.Value = nil
			repeated := *tombstone
			empty.Value = sarama.ByteEncoder{}
			f.send(t, f.message("1", "k"), again, f.message("1", "l"), other, tombstone, empty, &repeated)
			m := f.start(t, config, record)
			devstacktest.Await(t, "all marked", func() bool { return f.committed(t, config.Group) == 7 })
			m.end(t)
			if n := f.number(t, "SELECT count(*) FROM effect"); n != 5 {
				t.Errorf("%d effects, want 5", n)
			}
		})
	}
}

// A table of before knows its events by id alone, until its rows are pruned; a consumer
// that meets one says how to change it.
func TestTableOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	config := f.config(t)
	f.Exec(t, "DROP TABLE inbox", `CREATE TABLE inbox (consumer_group text NOT NULL, event_id text NOT NULL,
		processed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (consumer_group, event_id))`,
		"INSERT INTO inbox VALUES ('"+config.Group+"', '1')")
	f.events(t, 0, 3, 1)
	f.start(t, config, record).stopsWith(t, nil, "ALTER TABLE inbox ADD COLUMN event_digest")
	f.Exec(t, "ALTER TABLE inbox ADD COLUMN event_digest bytea NOT NULL DEFAULT '', DROP CONSTRAINT inbox_pkey, "+
		"ADD PRIMARY KEY (consumer_group, event_id, event_digest)")
	f.start(t, config, record)
	devstacktest.Await(t, "all marked", func() bool { return f.committed(t, config.Group) == 3 })
	if n := f.number(t, "SELECT count(*) FROM effect WHERE id <> '1'"); n != 2 {
		t.Errorf("%d effects, want 2", n)
	}
	f.once(t, 2)
}

// Waiting for a connection is no fault of the record: with fewer connections than records
// in hand, and a handler that takes most of its time, nothing is rejected.
func TestAttemptBeginsWithItsTransaction(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	const events = 16
	f.events(t, 0, events, events)
	config := f.config(t)
	config.Parallel, config.AttemptTimeout, config.Retry.Attempts = events, 2*time.Second, 1
	db := devstacktest.OpenSQL(t, f.URL)
	db.SetMaxOpenConns(2)
	consumer, err := inbox.New(config, inbox.SQL(db), func(ctx context.Context, tx *sql.Tx, e *inbox.Event) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO effect (id, key, pos) SELECT $1, $2, $3 FROM pg_sleep(0.4)",
			e.ID, string(e.Key), e.Offset)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, consumer)
	f.once(t, events)
	if records, _ := f.letters(t); len(records) > 0 {
		t.Errorf("%d dead letters", len(records))
	}
}
