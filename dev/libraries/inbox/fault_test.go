package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
)

// letters are the records of the dead letter topic, by id, with their headers.
func (f *fixture) letters(t testing.TB) (records []*sarama.ConsumerMessage, headers []map[string]string) {
	t.Helper()
	records, err := f.kafka.Records(t.Context(), f.topic+".DLT")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		h := map[string]string{}
		for _, header := range r.Headers {
			h[string(header.Key)] = string(header.Value)
		}
		headers = append(headers, h)
	}
	return records, headers
}

// Poison goes to the dead letter topic with what is to be known, and the next events
// go on.
func TestRow74_Poison(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	noID := f.message("", "k")
	noID.Headers = nil
	noID.Value = nil
	f.send(t, f.message("permanent", "k"), f.message("state", "k"), f.message("panic", "k"), f.message("tired", "k"), noID)
	f.events(t, 0, 5, 1)
	config := f.config(t)
	config.Retry.Attempts = 3
	start := time.Now()
	f.start(t, config, func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
		if err := record(ctx, tx, e); err != nil {
			return err
		}
		switch e.ID {
		case "permanent":
			return fmt.Errorf("wrapped: %w", inbox.Permanent(errors.New("no such order")))
		case "state":
			_, err := tx.Exec(ctx, "SELECT 1/0")
			return err
		case "panic":
			panic("oh")
		case "tired":
			return errors.New("what the rules do not know is transient")
		}
		return nil
	})
	f.once(t, 5)
	devstacktest.Await(t, "all marked", func() bool { return f.committed(t, config.Group) == 10 })
	records, headers := f.letters(t)
	want := []struct{ id, reason, class, attempts string }{
		{"permanent", "permanent", "*errors.errorString", "1"},
		{"state", "permanent", "SQLSTATE 22012", "1"},
		{"panic", "permanent", "*inbox.PanicError", "1"},
		{"tired", "exhausted", "*errors.errorString", "3"},
		{"", "undecodable", "*errors.errorString", "0"},
	}
	if len(records) != len(want) {
		t.Fatalf("%d dead letters, want %d: %v", len(records), len(want), headers)
	}
	for i, w := range want {
		h := headers[i]
		if h["id"] != w.id || h["walpost-dlt-reason"] != w.reason || h["walpost-dlt-attempts"] != w.attempts ||
			h["walpost-dlt-offset"] != fmt.Sprint(i) ||
			h["walpost-dlt-topic"] != f.topic || h["walpost-dlt-partition"] != "0" || h["walpost-dlt-group"] != config.Group ||
			h["walpost-dlt-class"] != w.class {
			t.Errorf("%d: headers %v, want %v", i, h, w)
		}
		for _, name := range []string{"timestamp", "first-failed", "time"} {
			if at, err := time.Parse(time.RFC3339Nano, h["walpost-dlt-"+name]); err != nil ||
				at.Before(start.Add(-time.Minute)) || at.After(time.Now()) {
				t.Errorf("%s: %v, %v", name, at, err)
			}
		}
		if string(records[i].Key) != "k" || w.id != "" && string(records[i].Value) != "payload of "+w.id ||
			w.id == "" && records[i].Value != nil {
			t.Errorf("%d: key %q, value %q", i, records[i].Key, records[i].Value)
		}
	}
	if h := headers[0]; h["walpost-dlt-error"] != "*errors.errorString" || h["eventType"] != "Tested" {
		t.Errorf("headers %v", h)
	}
	if n := f.number(t, "SELECT count(*) FROM inbox"); n != 5 {
		t.Errorf("%d rows in the inbox, want 5: what was rolled back must not count as processed", n)
	}
}

// An id with a character that the database has not is the record's fault, and holds up
// nothing.
func TestIDThatTheDatabaseCannotHold(t *testing.T) {
	t.Parallel()
	for name, batch := range map[string]int{"one by one": 1, "batch": 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixtureIn(t, stack.DatabaseOf(t, "TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"), stack.Kafka(t), 1)
			at, err := url.Parse(f.URL)
			if err != nil {
				t.Fatal(err)
			}
			query := at.Query()
			query.Set("client_encoding", "UTF8") // which lib/pq always says
			at.RawQuery = query.Encode()
			f.pool = newPool(t, at.String())
			config := f.parking(t, 1)
			config.Batch = batch
			f.events(t, 0, 3, 1)
			f.send(t, f.message("\u4ef6", "k0"))
			f.events(t, 3, 3, 1)
			f.start(t, config, record)
			f.once(t, 6)
			if _, headers := f.letters(t); len(headers) != 1 || headers[0]["walpost-dlt-class"] != "SQLSTATE 22P05" {
				t.Errorf("dead letters %v", headers)
			}
		})
	}
}

// stopsWith waits for a member to end with an error: one that is want, if that is
// not nil, and has these words.
func (m *member) stopsWith(t testing.TB, want error, words string) {
	t.Helper()
	devstacktest.Receive(t, fmt.Sprintf("the member to stop with: %v %s", want, words), m.done)
	if m.err == nil || want != nil && !errors.Is(m.err, want) || !strings.Contains(m.err.Error(), words) {
		t.Errorf("stopped with %v, want %v, %q", m.err, want, words)
	}
}

func poison(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
	if e.ID == "bad" {
		return inbox.Permanent(errPoison)
	}
	return record(ctx, tx, e)
}

var errPoison = errors.New("poison")

// Without a place for its dead letter a record stops the consumer, and is not lost.
func TestRow75_DeadLetterTopicMissing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.events(t, 0, 5, 1)
	config := f.config(t)
	m := f.start(t, config, poison)
	f.await(t, 5)
	if err := f.kafka.DeleteTopic(t.Context(), f.topic+".DLT"); err != nil {
		t.Fatal(err)
	}
	f.send(t, f.message("bad", "k0"))
	f.events(t, 5, 5, 1)
	m.stopsWith(t, sarama.ErrUnknownTopicOrPartition, "poison")
	if at := f.committed(t, config.Group); at != 5 {
		t.Errorf("offset %d is committed, want 5", at)
	}
	f.start(t, config, poison).stopsWith(t, inbox.ErrTopic, f.topic+".DLT")
	if err := f.kafka.CreateTopic(t.Context(), f.topic+".DLT", 1, -1, nil); err != nil {
		t.Fatal(err)
	}
	f.start(t, config, poison)
	f.once(t, 10)
	if records, _ := f.letters(t); len(records) != 1 {
		t.Errorf("%d dead letters, want 1", len(records))
	}
}

// A policy that stops, and errors that are nobody's fault but the deployment's.
func TestStops(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*inbox.Config)
		handle inbox.Handler[pgx.Tx]
		words  string
	}{
		"policy": {func(c *inbox.Config) { c.OnReject, c.DeadLetter = inbox.StopConsumer, "no.such.topic" }, poison, "poison"},
		"fatal": {func(*inbox.Config) {}, func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
			if e.ID == "bad" {
				return inbox.Fatal(errPoison)
			}
			return record(ctx, tx, e)
		}, "poison"},
		"no table": {func(*inbox.Config) {}, func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
			if e.ID == "bad" {
				_, err := tx.Exec(ctx, "SELECT * FROM nowhere")
				return err
			}
			return record(ctx, tx, e)
		}, "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, 1)
			f.events(t, 0, 3, 1)
			f.send(t, f.message("bad", "k0"))
			f.events(t, 3, 3, 1)
			config := f.config(t)
			test.change(&config)
			m := f.start(t, config, test.handle)
			m.stopsWith(t, nil, test.words)
			if at := f.committed(t, config.Group); at != 3 {
				t.Errorf("offset %d is committed, want 3", at)
			}
			f.once(t, 3)
		})
	}
	t.Run("no inbox table", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, 1)
		f.Exec(t, "DROP TABLE inbox")
		f.events(t, 0, 1, 1)
		m := f.start(t, f.config(t), record)
		m.stopsWith(t, nil, "insert into the inbox table")
	})
	t.Run("no topic", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, 1)
		config := f.config(t)
		config.Topics = []string{"nowhere"}
		f.start(t, config, record).stopsWith(t, inbox.ErrTopic, "inbox: topic nowhere.DLT: kafka server: ")
	})
}

// An offset that retention has overtaken stops the consumer.
func TestRow75_OffsetOutOfRange(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.events(t, 0, 5, 1)
	config := f.config(t)
	m := f.start(t, config, record)
	f.await(t, 5)
	m.end(t)
	f.events(t, 5, 10, 1)
	admin, err := f.kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	if err := admin.DeleteRecords(f.topic, map[int32]int64{0: 12}); err != nil {
		t.Fatal(err)
	}
	f.start(t, config, record).stopsWith(t, inbox.ErrOutOfRange, f.topic+"/0")
	if at := f.committed(t, config.Group); at != 5 {
		t.Errorf("offset %d is committed, want 5", at)
	}
	f.once(t, 5)
}

// While the database is away nothing is rejected, and nothing lost.
func TestRow74_DatabaseAway(t *testing.T) {
	t.Parallel()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{})
	if err := server.CreateDatabase(t.Context(), "away"); err != nil {
		t.Fatal(err)
	}
	conn, err := server.Connect(t.Context(), "away")
	if err != nil {
		t.Fatal(err)
	}
	f := fixtureIn(t, devstacktest.Database{Name: "away", URL: server.URL("away"), Conn: conn, Server: server}, stack.Kafka(t), 2)
	config := f.config(t)
	config.Retry.Attempts = 2
	var failed atomic.Int64
	config.Observers = append(config.Observers, inbox.ObserverFunc(func(o inbox.Observation) {
		if o.Kind == inbox.KindRetrying && o.Class == inbox.ClassUnavailable {
			failed.Add(1)
		}
	}))
	m := f.start(t, config, record)
	f.events(t, 0, 50, 5)
	f.await(t, 50)
	if err := server.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.events(t, 50, 50, 5)
	devstacktest.Await(t, "attempts", func() bool { return failed.Load() > 10 })
	if h := m.Health(); !h.Stuck(time.Millisecond) || h.Stuck(time.Hour) {
		t.Errorf("health %+v", h)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f.Conn, err = server.Connect(t.Context(), "away"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Conn.Close(context.Background()) }()
	f.once(t, 100)
	devstacktest.Await(t, "all marked", func() bool { return f.committed(t, config.Group) == 100 })
	if h := m.Health(); h.Stuck(0) || h.Partitions[0].Err != nil {
		t.Errorf("health %+v", h)
	}
	if records, _ := f.letters(t); len(records) != 0 {
		t.Errorf("%d dead letters", len(records))
	}
}
