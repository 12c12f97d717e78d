package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/inbox/deadletter"
)

// large raises the limit of the topic alone: its dead letter topic has Kafka's default.
func (f *fixture) large(t testing.TB, topic string) {
	t.Helper()
	admin, err := f.kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	limit := "20000000"
	if err := admin.AlterConfig(sarama.TopicResource, topic, map[string]*string{"max.message.bytes": &limit}, false); err != nil {
		t.Fatal(err)
	}
}

// noise is bytes that no codec makes smaller.
func noise(n int) []byte {
	r := rand.NewChaCha8([32]byte{1})
	b := make([]byte, n)
	_, _ = r.Read(b)
	return b
}

// A dead letter that is larger than its topic takes goes without what is too large, and
// says so: its size never stops a consumer. Redrive puts back the record itself,
// for as long as it is there.
func TestRow115_DeadLetterLargerThanItsTopic(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.large(t, f.topic)
	shrinks, value, key, header := f.message("shrinks", "k"), f.message("value", "k"), f.message("key", ""), f.message("header", "k")
	shrinks.Value = sarama.StringEncoder(strings.Repeat("x", 3_000_000))
	value.Value = sarama.ByteEncoder(noise(3_000_000))
	key.Key = sarama.ByteEncoder(noise(3_000_000))
	header.Headers = append(header.Headers, sarama.RecordHeader{Key: []byte("large"), Value: noise(3_000_000)})
	f.send(t, shrinks, value, key, header)
	f.events(t, 0, 5, 1)
	config := f.config(t)
	m := f.start(t, config, func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
		if e.Offset < 4 {
			return inbox.Permanent(errPoison)
		}
		return record(ctx, tx, e)
	})
	f.once(t, 5)
	devstacktest.Await(t, "all marked", func() bool { return f.committed(t, config.Group) == 9 })
	m.end(t)
	records, headers := f.letters(t)
	want := []struct {
		id, lacks  string
		value, key int
	}{
		{"shrinks", "", 3_000_000, 1},
		{"value", "value of 3000000 bytes", 0, 1},
		{"key", "value of 14 bytes; key of 3000000 bytes", 0, 0},
		{"header", `value of 17 bytes; header "large" from 255 bytes on, of 3000000`, 0, 1},
	}
	if len(records) != len(want) {
		t.Fatalf("%d dead letters, want %d", len(records), len(want))
	}
	for i, w := range want {
		h := headers[i]
		if h["id"] != w.id || h["walpost-dlt-incomplete"] != w.lacks || len(records[i].Value) != w.value || len(records[i].Key) != w.key ||
			h["walpost-dlt-offset"] != fmt.Sprint(i) || h["walpost-dlt-error"] != "*errors.errorString" {
			t.Errorf("%s: lacks %q, key %d bytes, value %d bytes, want %+v", h["id"], h["walpost-dlt-incomplete"], len(records[i].Key),
				len(records[i].Value), w)
		}
	}
	redrive := deadletter.Config{Brokers: config.Brokers, Topic: f.topic + ".DLT"}
	redrive.Match = func(d *deadletter.Record) bool { return d.Event.ID != "key" }
	done, err := deadletter.Redrive(t.Context(), redrive)
	if err != nil || done.Gone != 0 || done.Sent[f.topic] != 3 {
		t.Fatalf("%+v, %v, want 3 put back", done, err)
	}
	back, err := f.kafka.Records(t.Context(), f.topic)
	if err != nil || len(back) != 12 || len(back[10].Value) != 3_000_000 || len(back[11].Headers) != 4 ||
		len(back[11].Headers[2].Value) != 3_000_000 {
		t.Fatalf("%d records, %v: want what was put back to be whole", len(back), err)
	}
	admin, err := f.kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	if err := admin.DeleteRecords(f.topic, map[int32]int64{0: 9}); err != nil {
		t.Fatal(err)
	}
	redrive.Match = nil
	for range 2 { // what is left is left again, and keeps nothing else back
		if done, err = deadletter.Redrive(t.Context(), redrive); err != nil || done.Gone != 1 {
			t.Fatalf("%+v, %v, want 1 left: its record is gone", done, err)
		}
	}
	if done, err := deadletter.Discard(t.Context(), redrive); err != nil || done.Marked != 1 {
		t.Errorf("%+v, %v, want 1 discarded", done, err)
	}
}

// Dead letters that are written at the same moment do not share the fate of one that is
// too large, nor are they too large together: each small one is whole.
func TestDeadLettersWrittenAtOnceAreWhole(t *testing.T) {
	t.Parallel()
	const small = 16
	f := newFixture(t, 1)
	f.large(t, f.topic)
	records := []*sarama.ProducerMessage{f.message("large", "")}
	records[0].Value = sarama.ByteEncoder(noise(3_000_000))
	for i := range small {
		m := f.message(fmt.Sprint("small", i), "")
		m.Value = sarama.ByteEncoder(noise(300_000)) // four of them are more than the topic takes
		records = append(records, m)
	}
	for _, m := range records {
		m.Key = nil // so that none waits for another
	}
	f.send(t, records...)
	config := f.config(t)
	config.Parallel = len(records)
	var together sync.WaitGroup
	together.Add(len(records))
	m := f.start(t, config, func(context.Context, pgx.Tx, *inbox.Event) error {
		together.Done()
		together.Wait()
		return inbox.Permanent(errPoison)
	})
	devstacktest.Await(t, "all marked", func() bool { return f.committed(t, config.Group) == int64(len(records)) })
	m.end(t)
	letters, headers := f.letters(t)
	if len(letters) != len(records) {
		t.Fatalf("%d dead letters, want %d", len(letters), len(records))
	}
	for i, h := range headers {
		if lacks := h["walpost-dlt-incomplete"]; (lacks != "") != (h["id"] == "large") {
			t.Errorf("%s: value %d bytes, lacks %q", h["id"], len(letters[i].Value), lacks)
		}
	}
}

// A record that is too large for its retry topic is tried where it is: it is neither
// lost nor overtaken, and the consumer goes on.
func TestRow116_RecordLargerThanItsRetryTopic(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.large(t, f.topic)
	config := f.parking(t, 1)
	config.Retry.Attempts = -1
	first, behind := f.message("first", "a"), f.message("behind", "b")
	first.Value, behind.Value = sarama.ByteEncoder(noise(3_000_000)), sarama.ByteEncoder(noise(3_000_000))
	f.send(t, f.message("small", "b"), first, f.message("second", "a"), behind, f.message("last", "b"))
	var tries, healed atomic.Int64
	m := f.start(t, config, func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
		switch {
		case e.ID == "first" && tries.Add(1) < 4:
			return errors.New("not yet")
		case e.ID == "small" && healed.Load() == 0:
			return errors.New("not yet")
		}
		return record(ctx, tx, e)
	})
	f.await(t, 2) // first and second, while b waits
	if got := f.number(t, "SELECT count(*) FROM effect WHERE key = 'a'"); got != 2 {
		t.Errorf("%d effects of key a, want 2", got)
	}
	healed.Store(1)
	f.once(t, 5)
	devstacktest.Await(t, "all marked", func() bool { return f.committed(t, config.Group) == 5 })
	devstacktest.Await(t, "nothing to be parked", func() bool { return f.parked(t) == 0 })
	if records, _ := f.letters(t); len(records) > 0 {
		t.Errorf("%d dead letters", len(records))
	}
	m.end(t)
}
