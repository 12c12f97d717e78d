package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/oracle"
)

var (
	stack   devstacktest.Stack
	benches atomic.Int64
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == commandNaive || os.Args[1] == commandHog) { // this program as a child
		main()
	}
	os.Exit(stack.Main(m))
}

// newTestBench is a bench on the shared servers.
func newTestBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{
		options: options{rows: 50_000, repetitions: 1}, progress: &bytes.Buffer{}, dir: t.TempDir(),
		postgres: stack.Postgres(t), database: stack.Name(t), kafka: stack.Kafka(t),
		names: int(benches.Add(1)) * 1000, // they share the servers' names of slots and topics
	}
	err := b.postgres.CreateDatabase(t.Context(), b.database)
	if err != nil {
		t.Fatal(err)
	}
	if b.client, err = b.kafka.Client(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.client.Close() })
	if b.conn, err = b.postgres.Connect(t.Context(), b.database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.conn.Close(context.WithoutCancel(t.Context())) })
	b.site = b.direct()
	if b.recvlogical, err = b.postgres.Tool("pg_recvlogical"); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEvents(t *testing.T) {
	b := newTestBench(t)
	if err := b.createOutbox(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := b.fillBacklog(t.Context(), usual("7", b.rows, 7))
	if err != nil {
		t.Fatal(err)
	}

	t.Run("are as many, in transactions of that size, with the ids that bench expects", func(t *testing.T) {
		var rows, transactions int64
		sql := `SELECT count(*), count(DISTINCT xmin::text) FROM outbox`
		if err := b.conn.QueryRow(t.Context(), sql).Scan(&rows, &transactions); err != nil {
			t.Fatal(err)
		}
		if rows != 50_000 || transactions != 7143 {
			t.Errorf("%d rows in %d transactions, want 50000 in 7143", rows, transactions)
		}
		var id string
		if err := b.conn.QueryRow(t.Context(), `SELECT id::text FROM outbox WHERE payload->>'n' = '999'`).Scan(&id); err != nil {
			t.Fatal(err)
		}
		if want := eventID(999); id != want {
			t.Errorf("event 999 has id %s, want %s", id, want)
		}
	})

	t.Run("have 250 bytes of payload that lz4 halves", func(t *testing.T) {
		var shortest, longest int
		var text string
		sql := `SELECT min(octet_length(payload::text)), max(octet_length(payload::text)), string_agg(payload::text, '') FROM outbox`
		if err := b.conn.QueryRow(t.Context(), sql).Scan(&shortest, &longest, &text); err != nil {
			t.Fatal(err)
		}
		if shortest != 250 || longest != 250 {
			t.Errorf("payloads of %d to %d bytes, want 250", shortest, longest)
		}
		var packed bytes.Buffer
		w := lz4.NewWriter(&packed)
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if share := float64(packed.Len()) / float64(len(text)); share < 0.4 || share > 0.65 {
			t.Errorf("lz4 leaves %.2f of the payloads, want about a half", share)
		}
	})

	t.Run("come through pg_recvlogical to the end", func(t *testing.T) {
		d, err := b.drainRecvlogical(t.Context(), l, 1)
		if err != nil {
			t.Fatal(err)
		}
		if d.EventsPerSecond <= 0 || d.PeakRSS <= 0 {
			t.Errorf("figures are missing: %+v", d)
		}
	})
}

func TestCompare(t *testing.T) {
	b := newTestBench(t)
	l := backlog{workload: usual("compare", 3, 1)}
	for n := range int64(3) {
		l.committed = append(l.committed, oracle.Event{ID: eventID(n), Key: "key", Number: n})
	}
	for name, test := range map[string]struct {
		events []int64
		want   string
	}{
		"complete":         {[]int64{0, 1, 2}, ""},
		"one lost":         {[]int64{0, 1, 1}, "lost 1, rolled back and published 0, out of order 0, repeats 1"},
		"one never stored": {[]int64{0, 1, 8}, "lost 1, rolled back and published 1"},
		"out of order":     {[]int64{0, 2, 1}, "lost 0, rolled back and published 0, out of order 1"},
	} {
		t.Run(name, func(t *testing.T) {
			to, err := b.createRoute(t.Context(), "compare", l.workload)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.openRoute(t.Context(), &to); err != nil { // what it writes is no event
				t.Fatal(err)
			}
			produce(t, b, to.topics[0], test.events)
			wrong, err := b.compare(t.Context(), l, candidate{}, to)
			if err != nil {
				t.Fatal(err)
			}
			if test.want == "" && wrong != "" || !strings.Contains(wrong, test.want) {
				t.Errorf("got %q, want %q", wrong, test.want)
			}
			n, err := b.endOffsets(to)
			if err != nil || n != int64(len(test.events)) {
				t.Errorf("end offsets %d, %v; want %d", n, err, len(test.events))
			}
		})
	}
}

// produce writes a record for each event number, all with one key.
func produce(t *testing.T, b *bench, topic string, events []int64) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Bootstrap(devstack.Plaintext)...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, n := range events {
		id := []byte(eventID(n))
		record := &kgo.Record{Key: []byte("key"), Headers: []kgo.RecordHeader{{Key: "id", Value: id}}}
		if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDrainVoid lets programs that relay nothing stand for walpost: no figure may come of them.
func TestDrainVoid(t *testing.T) {
	b := newTestBench(t)
	b.walpost = "/bin/false"
	slot, err := b.createSlot(t.Context(), "void")
	if err != nil {
		t.Fatal(err)
	}
	l := backlog{workload: usual("1", 1, 1), slot: slot}
	if d, err := b.drainRelay(t.Context(), b.walpostItself(), l, 1); err == nil {
		t.Errorf("a walpost that ends at once gave %+v", d)
	}
	d := drain{Repetition: 1, Rows: 1}
	to, err := b.createRoute(t.Context(), "void", l.workload)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.inspectDrain(t.Context(), b.walpostItself(), &d, l, slot, to); err == nil && d.Void == "" {
		t.Error("an empty topic counts as a complete drain")
	}
}

// TestNaive drains with the relay that is written with sarama, which is this test's own program as a child.
func TestNaive(t *testing.T) {
	b := newTestBench(t)
	if err := b.createOutbox(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := usual("10", 20_000, 10)
	w.topics = 3
	l, err := b.fillBacklog(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	d, err := b.drainRelay(t.Context(), candidate{name: readerSarama, start: b.naive(0)}, l, 1)
	if err != nil {
		t.Fatal(err)
	}
	if d.Void != "" || d.EventsPerSecond <= 0 || d.StreamMicros <= 0 || d.Compared == "" {
		t.Errorf("the drain is void or lacks figures: %+v", d)
	}
}
