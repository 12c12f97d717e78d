package inbox_test

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
)

// parking sets up what a retry topic needs, and a configuration with it.
func (f *fixture) parking(t testing.TB, partitions int32) inbox.Config {
	t.Helper()
	ddl, err := inbox.ParkedDDL("")
	if err != nil {
		t.Fatal(err)
	}
	f.Exec(t, ddl)
	if err := f.kafka.CreateTopic(t.Context(), f.topic+".retry", partitions, -1, nil); err != nil {
		t.Fatal(err)
	}
	config := f.config(t)
	config.RetryTopic = "{topic}.retry"
	return config
}

func (f *fixture) parked(t testing.TB) int {
	t.Helper()
	return f.number(t, "SELECT count(*) FROM inbox_parked")
}

// A key that fails holds up no other key: its records are parked, all of them, and
// processed in order when it heals.
func TestRetryTopic(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*inbox.Config){
		"one by one": func(*inbox.Config) {},
		"both":       func(c *inbox.Config) { c.Parallel, c.Batch = 3, 20 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, 1)
			config := f.parking(t, 1)
			config.Retry.Attempts = -1
			change(&config)
			f.events(t, 0, 60, 6)
			var healed atomic.Bool
			f.start(t, config, func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
				if e.Topic != f.topic || string(e.Payload) != "payload of "+e.ID || len(e.Headers) != 2 {
					t.Errorf("the handler got %+v", e)
				}
				if string(e.Key) == "k3" && !healed.Load() {
					return fmt.Errorf("attempt %d", e.Attempt)
				}
				return record(ctx, tx, e)
			})
			devstacktest.Await(t, "all marked", func() bool { return f.committed(t, config.Group) == 60 })
			if n := f.number(t, "SELECT count(*) FROM effect WHERE key <> 'k3'"); n != 50 {
				t.Errorf("%d effects of other keys, want 50", n)
			}
			if n := f.parked(t); n != 10 {
				t.Errorf("%d parked, want 10", n)
			}
			healed.Store(true)
			f.once(t, 60)
			devstacktest.Await(t, "nothing to be parked", func() bool { return f.parked(t) == 0 })
			f.events(t, 60, 60, 6)
			f.once(t, 120)
			if n := f.parked(t); n != 0 {
				t.Errorf("%d parked", n)
			}
		})
	}
}

// A parked record that is given up is a dead letter of the topic it came from, and the
// rest of its key goes on.
func TestRetryTopicExhausted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	config := f.parking(t, 1)
	config.Retry.Attempts, config.ParkAfter = 5, 2
	noKey := f.message("no key", "")
	noKey.Key = nil
	f.events(t, 0, 1, 1)
	f.send(t, f.message("bad", "k0"), noKey)
	f.events(t, 1, 5, 1)
	config.ErrorText = true
	consumer, err := inbox.New(config, inbox.SQL(devstacktest.OpenSQL(t, f.URL)),
		func(ctx context.Context, tx *sql.Tx, e *inbox.Event) error {
			if e.ID == "bad" || e.ID == "no key" {
				return fmt.Errorf("attempt %d", e.Attempt)
			}
			_, err := tx.ExecContext(ctx, "INSERT INTO effect (id, key, part, pos) VALUES ($1, $2, $3, $4)", e.ID, string(e.Key),
				int64(e.Partition), e.Offset)
			return err
		})
	if err != nil {
		t.Fatal(err)
	}
	m := run(t, consumer)
	f.once(t, 6)
	devstacktest.Await(t, "the dead letters", func() bool { records, _ := f.letters(t); return len(records) == 2 })
	devstacktest.Await(t, "nothing to be parked", func() bool { return f.parked(t) == 0 })
	_, headers := f.letters(t)
	for i, id := range []string{"bad", "no key"} {
		h := headers[i]
		if h["id"] != id || h["walpost-dlt-topic"] != f.topic || h["walpost-dlt-offset"] != strconv.Itoa(i+1) ||
			h["walpost-dlt-attempts"] != "5" ||
			h["walpost-dlt-error"] != "attempt 5" || h["walpost-dlt-reason"] != "exhausted" || h["walpost-retry-topic"] != "" {
			t.Errorf("%d: %v", i, h)
		}
	}
	m.end(t)
}

// Killed after a record was noted as parked and before it was sent, it comes again and
// is sent then; killed after it was sent, it is sent twice and processed once.
func TestRetryTopicAfterAKill(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	config := f.parking(t, 1)
	f.Exec(t, "INSERT INTO inbox_parked VALUES ('"+config.Group+"', '"+f.topic+"', sha256('k0'), '0')")
	sent := f.message("0", "k0")
	sent.Topic = f.topic + ".retry"
	for name, value := range map[string]string{"topic": f.topic, "partition": "0", "offset": "0", "group": config.Group, "attempts": "1"} {
		sent.Headers = append(sent.Headers, sarama.RecordHeader{Key: []byte("walpost-retry-" + name), Value: []byte(value)})
	}
	other := f.message("0", "k0")
	other.Topic = sent.Topic
	other.Headers = append(other.Headers, sarama.RecordHeader{Key: []byte("walpost-retry-topic"), Value: []byte(f.topic)},
		sarama.RecordHeader{Key: []byte("walpost-retry-group"), Value: []byte("another")}) // is passed over
	f.send(t, other, sent)
	f.events(t, 0, 20, 2)
	m := f.start(t, config, record)
	f.once(t, 20)
	devstacktest.Await(t, "nothing to be parked", func() bool { return f.parked(t) == 0 })
	m.end(t)
	f.once(t, 20)
}

// A record in a retry topic that does not say which record of the consumer's it is becomes
// a dead letter, whatever else it claims, and holds up nothing.
func TestRetryTopicBelievesNoRecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	config := f.parking(t, 1)
	config.Parallel = 4
	claims := map[string]string{"topic": f.topic, "partition": "0", "offset": "7", "group": config.Group, "attempts": "1"}
	wrong := []map[string]string{
		{"offset": ""},
		{"offset": "-1"},
		{"partition": ""},
		{"partition": "4294967296"},
		{"group": ""},
		{"topic": ""},
		{"topic": "nowhere"},
		{"topic": "a\x00b"},
		{"attempts": ""},
		{"attempts": "many"},
		{"attempts": "-9223372036854775808"},
	}
	for i, change := range wrong {
		m := f.message(strconv.Itoa(100+i), "k")
		m.Topic = f.topic + ".retry"
		if i%2 == 0 {
			m.Key = nil
		}
		for name, value := range claims {
			if other, ok := change[name]; ok {
				value = other
			}
			if value != "" {
				m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte("walpost-retry-" + name), Value: []byte(value)})
			}
		}
		f.send(t, m)
	}
	noID := f.message("a\x00b", "k")
	noID.Topic = f.topic + ".retry"
	for name, value := range claims {
		noID.Headers = append(noID.Headers, sarama.RecordHeader{Key: []byte("walpost-retry-" + name), Value: []byte(value)})
	}
	f.send(t, noID)
	f.events(t, 0, 10, 3)
	m := f.start(t, config, func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
		if id, err := strconv.Atoi(e.ID); err != nil || id >= 100 {
			return fmt.Errorf("attempt %d", e.Attempt)
		}
		return record(ctx, tx, e)
	})
	f.once(t, 10)
	devstacktest.Await(t, "all marked in the retry topic", func() bool {
		return devstacktest.Committed(t, f.kafka, config.Group, f.topic+".retry") == int64(len(wrong)+1)
	})
	m.end(t)
	_, headers := f.letters(t)
	for i, h := range headers {
		if h["walpost-dlt-reason"] != "undecodable" || i < len(wrong) && h["walpost-dlt-topic"] != f.topic+".retry" {
			t.Errorf("dead letter %v", h)
		}
	}
	if len(headers) != len(wrong)+1 {
		t.Errorf("%d dead letters, want %d", len(headers), len(wrong)+1)
	}
}

// Members join and leave while records are parked.
func TestRow74_RebalanceStormWithRetryTopic(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 4)
	config := f.parking(t, 2)
	config.Retry.Attempts = -1
	handle := func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
		if id, err := strconv.Atoi(e.ID); err == nil && id%7 == 0 && e.Attempt < 3 {
			return fmt.Errorf("attempt %d", e.Attempt)
		}
		return record(ctx, tx, e)
	}
	f.storm(t, config, handle, 4, 100)
	devstacktest.Await(t, "nothing to be parked", func() bool { return f.parked(t) == 0 })
}

// Without its table or its topic the consumer stops, and nothing is skipped.
func TestRetryTopicMissing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.events(t, 0, 1, 1)
	config := f.config(t)
	config.RetryTopic = "{topic}.retry"
	f.start(t, config, record).stopsWith(t, inbox.ErrTopic, f.topic+".retry")
	if err := f.kafka.CreateTopic(t.Context(), f.topic+".retry", 1, -1, nil); err != nil {
		t.Fatal(err)
	}
	f.start(t, config, record).stopsWith(t, nil, "inbox_parked")
	foreign := f.message("9", "k")
	foreign.Topic += ".retry"
	f.send(t, foreign)
	ddl, err := inbox.ParkedDDL("")
	if err != nil {
		t.Fatal(err)
	}
	f.Exec(t, ddl)
	f.start(t, config, record)
	devstacktest.Await(t, "the foreign record to be a dead letter", func() bool {
		_, headers := f.letters(t)
		return len(headers) == 1 && headers[0]["id"] == "9" && headers[0]["walpost-dlt-topic"] == f.topic+".retry"
	})
	f.once(t, 1)
}
