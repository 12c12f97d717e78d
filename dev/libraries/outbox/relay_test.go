package outbox_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/retention"
)

type keys = configtest.Keys

// relay runs one on the store's table, with more keys of its file, and returns its slot.
func (s *store) relay(t *testing.T, more keys) (slot string) {
	t.Helper()
	cfg := keys{
		"name": s.Name, "postgres.url": s.URL, "kafka.brokers": stack.Kafka(t).Bootstrap(devstack.Plaintext), "kafka.topics.create": true,
	}.With(more).Load(t)
	relaytest.Start(t, cfg).State(t, status.Streaming)
	return cfg.Postgres.Slot
}

// pruner makes a Pruner, which must work.
func pruner(t *testing.T, config retention.Config) *retention.Pruner {
	t.Helper()
	p, err := retention.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// records waits until the topic has so many, and gives them in the order of their
// offsets.
func records(t *testing.T, topic string, n int) []*sarama.ConsumerMessage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), devstacktest.Patience)
	defer cancel()
	var got []*sarama.ConsumerMessage
	devstacktest.Await(t, fmt.Sprintf("%d records in %s", n, topic), func() bool {
		got, _ = stack.Kafka(t).Records(ctx, topic)
		return len(got) >= n
	})
	return got
}

func headers(r *sarama.ConsumerMessage) map[string]string {
	all := make(map[string]string)
	for _, h := range r.Headers {
		all[string(h.Key)] = string(h.Value)
	}
	return all
}

// The relay's own defaults fit the default table.
func TestRelayPublishesWithDefaults(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	slot := s.relay(t, nil)
	kind := s.Name // makes the topic the test's own
	e := outbox.Event{
		ID: s.Events.NewID(), AggregateType: kind, AggregateID: "42", Type: "OrderPlaced",
		Payload: map[string]any{"total": 12.5, "<b>": "ü"},
	}
	tombstone := outbox.Event{AggregateType: kind, AggregateID: "42", Type: "OrderForgotten"}
	s.Write(t, e, tombstone)
	got := records(t, "outbox.event."+kind, 2)
	if string(got[0].Key) != "42" || string(got[0].Value) != `{"<b>": "ü", "total": 12.5}` || got[1].Value != nil {
		t.Errorf("key %q, values %q and %q", got[0].Key, got[0].Value, got[1].Value)
	}
	if h := headers(got[0]); len(h) != 2 || h["id"] != e.ID || h["eventType"] != "OrderPlaced" {
		t.Errorf("headers %v", h)
	}
	deleted, err := pruner(t, retention.Config{Slot: slot, Wait: time.Minute}).Prune(t.Context(), retention.SQL(s.SQL))
	if err != nil || deleted != 2 {
		t.Errorf("%d rows deleted: %v", deleted, err)
	}
}

// Everything the package can write, in a partitioned table, and deleted again.
func TestRelayPublishesEverything(t *testing.T) {
	t.Parallel()
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	config := outbox.Config{
		Partitioned: true, DeleteAfterWrite: true, Topic: "{aggregatetype}.events",
		Types:        map[string]string{"payload": "bytea"},
		Columns:      outbox.Columns{SchemaVersion: "version"},
		Headers:      []outbox.HeaderColumn{{Header: "tenant", Column: "tenant"}},
		TraceContext: func(context.Context) (parent, state string) { return trace, "v=1" },
	}
	s := newStore(t, config)
	db, keep := retention.SQL(s.SQL), retention.Config{Outbox: config, Slot: s.Name, Keep: time.Hour}
	if err := pruner(t, keep).CreatePartitions(t.Context(), db, time.Now(), 1); err != nil {
		t.Fatal(err)
	}
	slot := s.relay(t, keys{"outbox.topic": "{aggregatetype}.events", "outbox.headers": map[string]string{
		"eventType": "type", "version": "version", "traceparent": "traceparent", "tracestate": "tracestate", "tenant": "tenant",
	}})
	var all []outbox.Event
	for n := range 300 {
		all = append(all, outbox.Event{
			AggregateType: s.Name, AggregateID: "42", Type: "Counted", Payload: []byte{0, 0xff, byte(n)}, SchemaVersion: 3,
			Headers: []outbox.Header{{Name: "tenant", Value: "t"}},
		})
	}
	s.Write(t, all...)
	s.Want(t, "SELECT id::text FROM outbox")
	last := ""
	for n, r := range records(t, s.Name+".events", len(all)) {
		h := headers(r)
		if string(r.Key) != "42" || !slices.Equal(r.Value, []byte{0, 0xff, byte(n)}) {
			t.Fatalf("record %d: key %q, value %x", n, r.Key, r.Value)
		}
		if h["id"] <= last || h["eventType"] != "Counted" || h["version"] != "3" ||
			h["traceparent"] != trace || h["tracestate"] != "v=1" || h["tenant"] != "t" {
			t.Fatalf("record %d: headers %v after id %s", n, h, last)
		}
		last = h["id"]
	}
	keep.Slot = slot
	dropped, err := pruner(t, keep).DropPartitions(t.Context(), db)
	if err != nil || len(dropped) != 0 {
		t.Errorf("dropped %v: %v", dropped, err)
	}
	old := time.Now().AddDate(0, 0, -2)
	if err := pruner(t, keep).CreatePartitions(t.Context(), db, old, 1); err != nil {
		t.Fatal(err)
	}
	keep.Keep = 12 * time.Hour
	dropped, err = pruner(t, keep).DropPartitions(t.Context(), db)
	if err != nil || len(dropped) != 1 {
		t.Errorf("dropped %v: %v", dropped, err)
	}
}
