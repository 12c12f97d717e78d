package inbox_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
)

func TestDDL(t *testing.T) {
	t.Parallel()
	db := stack.Database(t)
	db.Exec(t, "CREATE SCHEMA sales")
	for _, table := range []string{"", "sales.inbox", `sales."In ""box"""`} {
		ddl, err := inbox.DDL(table)
		if err != nil {
			t.Fatal(err)
		}
		db.Exec(t, ddl)
	}
	if _, err := inbox.DDL("a b"); err == nil {
		t.Error("a table that cannot be")
	}
}

// Prune deletes what is old, of the group, batch by batch.
func TestPrune(t *testing.T) {
	t.Parallel()
	db := stack.Database(t)
	ddl, err := inbox.DDL("")
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, ddl, `INSERT INTO inbox SELECT g, i::text, now() - i * interval '1 hour' FROM unnest(ARRAY['a', 'b']) AS g, `+
		`generate_series(0, 99) AS i`)
	for _, test := range []struct {
		retention inbox.PruneConfig
		deleted   int64
	}{
		{inbox.PruneConfig{Group: "a", Keep: 49*time.Hour + 30*time.Minute, Batch: 7}, 50},
		{inbox.PruneConfig{Group: "a", Keep: 49*time.Hour + 30*time.Minute, Batch: 7}, 0},
		{inbox.PruneConfig{Keep: 90*time.Hour - time.Minute}, 10},
	} {
		deleted, err := inbox.Prune(t.Context(), inbox.Pgx(newPool(t, db.URL)), test.retention)
		if err != nil || deleted != test.deleted {
			t.Errorf("%+v: %d, %v, want %d", test.retention, deleted, err, test.deleted)
		}
	}
	if _, err := inbox.Prune(t.Context(), inbox.Pgx(newPool(t, db.URL)), inbox.PruneConfig{}); err == nil {
		t.Error("without an age")
	}
}

// A row of another partition in the same place stays.
func TestPruneKeepsToThePartition(t *testing.T) {
	t.Parallel()
	db := stack.Database(t)
	db.Exec(t, "CREATE TABLE inbox (consumer_group text, event_id text, processed_at timestamptz) PARTITION BY LIST (consumer_group)",
		"CREATE TABLE inbox_a PARTITION OF inbox FOR VALUES IN ('a')", "CREATE TABLE inbox_b PARTITION OF inbox FOR VALUES IN ('b')",
		"INSERT INTO inbox VALUES ('a', '1', now() - interval '2 hours'), ('b', '1', now())")
	if deleted, err := inbox.Prune(t.Context(), inbox.Pgx(newPool(t, db.URL)), inbox.PruneConfig{Keep: time.Hour}); err != nil ||
		deleted != 1 {
		t.Errorf("%d, %v, want the old row alone", deleted, err)
	}
}

// With database/sql it is the same, in batches too.
func TestDatabaseSQL(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, f.message("bad", "k"), f.message(`a\"{,`, "k"), f.message("tired", "k"))
	f.events(t, 0, 50, 3)
	f.events(t, 20, 20, 3)
	config := f.config(t)
	config.Batch, config.Retry.Attempts = 10, 3
	consumer, err := inbox.New(config, inbox.SQL(devstacktest.OpenSQL(t, f.URL)),
		func(ctx context.Context, tx *sql.Tx, e *inbox.Event) error {
			if e.ID == "tired" && e.Attempt < 3 {
				return inbox.Transient(fmt.Errorf("attempt %d", e.Attempt))
			}
			_, err := tx.ExecContext(ctx, "INSERT INTO effect (id, key, part, pos) VALUES ($1, $2, $3, $4)", e.ID, string(e.Key),
				int64(e.Partition), e.Offset)
			if err == nil && e.ID == "bad" {
				return inbox.Permanent(errPoison)
			}
			return err
		})
	if err != nil {
		t.Fatal(err)
	}
	m := run(t, consumer)
	f.once(t, 52)
	devstacktest.Await(t, "all marked", func() bool { return f.committed(t, config.Group) == 73 })
	m.end(t)
	f.once(t, 52)
	if n := f.number(t, "SELECT count(*) FROM effect WHERE id IN ($1, 'tired')", `a\"{,`); n != 2 {
		t.Errorf("%d effects, want 2", n)
	}
}

// A handler that ignores its deadline has no effect, and is called again.
func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.events(t, 0, 3, 1)
	config := f.config(t)
	config.AttemptTimeout = 2 * time.Second
	m, err := inbox.New(config, inbox.SQL(devstacktest.OpenSQL(t, f.URL)), func(ctx context.Context, tx *sql.Tx, e *inbox.Event) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO effect (id, key, pos) VALUES ($1, '', $2)", e.ID, e.Offset)
		if e.ID == "1" && e.Attempt == 1 {
			<-ctx.Done()
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, m)
	f.once(t, 3)
}
