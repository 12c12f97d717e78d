package e2e_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/admin/metrics"
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/router/vectortest"
	"github.com/walpost/walpost/internal/status"
)

// Each record that Debezium wrote, written by walpost from the same SQL: topic,
// partition, key, value, headers and time stamp. The topics have the case's own
// name in front, so that cases share a Kafka.
func TestGoldenVectors(t *testing.T) {
	t.Parallel()
	cases, err := vectortest.ReadGolden("../../testdata/vectors/golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		m, reason := c.Mapping()
		if reason != "" {
			continue // docs/debezium.md lists them, and a test holds it to that
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			g := &golden{Golden: c, f: &fixture{db: stack.Database(t), kafka: stack.Kafka(t), prefix: stack.Name(t) + "."}}
			g.createTopics(t)
			g.f.file = g.f.write(t, sections{"outbox": outboxYAML(t, m), "admin": "{listen: ''}"})
			g.f.db.Exec(t, c.DDL, c.Before)
			stop := g.start(t)
			commits := g.committing(t)
			g.compare(t, commits)
			stop()
		})
	}
}

// golden is one case on its servers.
type golden struct {
	vectortest.Golden

	f      *fixture
	topics []string
}

func (g *golden) createTopics(t *testing.T) {
	t.Helper()
	for _, r := range g.Records {
		topic := g.f.prefix + r.Topic
		if slices.Contains(g.topics, topic) {
			continue
		}
		if err := g.f.kafka.CreateTopic(t.Context(), topic, g.Partitions, 1, nil); err != nil {
			t.Fatal(err)
		}
		g.topics = append(g.topics, topic)
	}
}

// outboxYAML writes a mapping as a user would, with PREFIX before the topic.
func outboxYAML(t *testing.T, m router.Mapping) string {
	t.Helper()
	topic := "PREFIX"
	for _, p := range m.Topic {
		topic += p.Literal
		if p.Column != "" {
			topic += "{" + p.Column + "}"
		}
	}
	quote := func(v any) string {
		text, err := json.Marshal(v) // JSON is YAML
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var headers []string // a list, since their order counts
	for _, h := range m.Headers {
		headers = append(headers, quote(h.Name)+": "+quote(h.Column))
	}
	return "{topic: " + quote(topic) + ", id: " + quote(m.ID) + ", key: " + quote(m.Key) + ", value: " + quote(m.Value) +
		", timestamp: " + quote(m.Timestamp) + ", partition: " + quote(m.Partition) + ", headers: {" + strings.Join(headers, ", ") + "}}"
}

// start runs the relay until it streams; stop ends it in order.
func (g *golden) start(t *testing.T) (stop func()) {
	t.Helper()
	cfg, err := config.Load(g.f.file)
	if err != nil {
		t.Fatal(err)
	}
	g.f.slot = cfg.Postgres.Slot
	r, err := relay.New(cfg, metrics.New().Observer(cfg.Name), zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- r.Run(ctx, asked)
		close(done)
	}()
	t.Cleanup(func() {
		cancel()
		for range done { // until it has ended
		}
	})
	devstacktest.Await(t, "the stream", func() bool {
		return r.Status().State == status.Streaming || r.Status().State == status.HaltedState
	})
	return func() {
		close(asked)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// committing runs the statements, waits until the slot is confirmed up to their
// end, and gives the commit time of each insert, as a second slot saw it.
func (g *golden) committing(t *testing.T) []time.Time {
	t.Helper()
	db := g.f.db
	db.Exec(t, "SELECT pg_create_logical_replication_slot('witness_"+db.Name+"', 'pgoutput')")
	db.Exec(t, g.SQL...)
	devstacktest.Await(t, "the slot to be confirmed", devstacktest.Confirmed(t, db.Conn, g.f.slot))
	rows, err := db.Conn.Query(t.Context(), `SELECT data FROM pg_logical_slot_get_binary_changes('witness_`+db.Name+`',
		NULL::pg_lsn, NULL::int, 'proto_version', '1', 'publication_names', '`+g.f.slot+`')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var at time.Time
	var commits []time.Time
	for rows.Next() {
		data := rows.RawValues()[0]
		switch data[0] {
		case 'B': // final LSN, microseconds since 2000
			at = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(binary.BigEndian.Uint64(data[9:])) * time.Microsecond)
		case 'I':
			commits = append(commits, at)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return commits
}

// compare finds each record that Debezium wrote among those in Kafka, once, and
// within a partition in the same order.
func (g *golden) compare(t *testing.T, commits []time.Time) {
	t.Helper()
	got := consume(t, g.f.kafka, g.topics...)
	if len(got) != len(g.Records) || len(commits) != len(g.Records) {
		t.Fatalf("%d records of %d inserts, want %d", len(got), len(commits), len(g.Records))
	}
	taken := map[*kgo.Record]bool{}
	type place struct {
		topic     string
		partition int32
	}
	next := map[place]int64{}
	for i := range g.Records {
		want := &g.Records[i]
		at := commits[i].UnixMilli()
		if want.Timestamp != nil {
			at = *want.Timestamp
		}
		n := slices.IndexFunc(got, func(r *kgo.Record) bool { return !taken[r] && g.same(r, want, at) })
		if n < 0 {
			t.Errorf("record %d is not in Kafka: topic %q, partition %s, key %q, value %q, at %d, headers\n %q\nthere are", i,
				g.f.prefix+want.Topic, partition(want), want.Key, want.Value, at, want.Headers)
			for _, r := range got {
				t.Errorf("topic %q, partition %d, key %q, value %q, at %d, headers\n %q", r.Topic, r.Partition, r.Key, r.Value,
					r.Timestamp.UnixMilli(), r.Headers)
			}
			return
		}
		r := got[n]
		taken[r] = true
		where := place{r.Topic, r.Partition}
		if want.Partition != nil && r.Offset < next[where] {
			t.Errorf("record %d has offset %d of partition %d, behind a later one", i, r.Offset, r.Partition)
		}
		next[where] = r.Offset
	}
}

func partition(want *vectortest.Record) string {
	text, err := json.Marshal(want.Partition)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (g *golden) same(r *kgo.Record, want *vectortest.Record, at int64) bool {
	return r.Topic == g.f.prefix+want.Topic && (want.Partition == nil || r.Partition == *want.Partition) &&
		r.Timestamp.UnixMilli() == at && sameBytes(r.Key, want.Key) && sameBytes(r.Value, want.Value) &&
		slices.EqualFunc(r.Headers, want.Headers, func(a kgo.RecordHeader, b record.Header) bool {
			return a.Key == b.Name && sameBytes(a.Value, b.Value)
		})
}

// sameBytes reports whether a and b are equal. NULL and empty are not.
func sameBytes(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }
