package inboxprom_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/inbox/inboxprom"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }

// memory is a transaction without a database, in which an id is known once it was there.
type memory map[string]bool

func (m memory) db() inbox.DB[memory] {
	return inbox.DB[memory]{
		Transact: func(_ context.Context, do func(memory) error) error { return do(m) },
		Exec: func(_ context.Context, m memory, _ string, args ...any) (int64, error) {
			id := args[1].(string)
			if m[id] {
				return 0, nil
			}
			m[id] = true
			return 1, nil
		},
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	topic := stack.Topic(t, 1)
	kafka := stack.Kafka(t)
	if err := kafka.CreateTopic(t.Context(), topic+".DLT", 1, -1, nil); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewPedanticRegistry()
	metrics, err := inboxprom.New(registry)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inboxprom.New(registry); err == nil {
		t.Error("registered twice")
	}
	retried := false
	consumer, err := inbox.New(inbox.Config{
		Brokers: kafka.Bootstrap(devstack.Plaintext), Group: topic, Topics: []string{topic}, Observers: []inbox.Observer{metrics},
		Retry: inbox.Retry{First: time.Millisecond},
	}, memory{}.db(), func(_ context.Context, m memory, e *inbox.Event) error {
		switch {
		case e.ID == "bad":
			return inbox.Permanent(errors.New("bad"))
		case e.ID == "b" && !retried:
			retried = true
			delete(m, e.ID) // as a rollback would
			return errors.New("try again")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := metrics.Watch("test", consumer); err != nil {
		t.Fatal(err)
	}
	send(t, topic, "a", "b", "a", "bad", "c")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- consumer.Run(ctx) }()
	wants := []string{
		`walpost_inbox_events_total  dead_lettered ` + topic + ` 1`, `walpost_inbox_events_total  processed ` + topic + ` 3`,
		`walpost_inbox_events_total  repeated ` + topic + ` 1`, `walpost_inbox_retries_total transient  ` + topic + ` 1`,
		`walpost_inbox_lag test 0  ` + topic + ` 0`, `walpost_inbox_waiting test 0  ` + topic + ` 0`,
		`walpost_inbox_stalled_seconds test 0  ` + topic + ` 0`,
	}
	var got string
	defer func() {
		if t.Failed() {
			t.Logf("got\n%s\nwant\n%s", got, strings.Join(wants, "\n"))
		}
	}()
	devstacktest.Await(t, "the metrics", func() bool {
		got = devstacktest.Series(t, registry)
		return !slices.ContainsFunc(wants, func(want string) bool { return !strings.Contains(got, want) })
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// send writes events with these ids.
func send(t *testing.T, topic string, ids ...string) {
	t.Helper()
	client, err := stack.Kafka(t).Client()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	client.Config().Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = producer.Close() }()
	for _, id := range ids {
		_, _, err := producer.SendMessage(&sarama.ProducerMessage{
			Topic: topic, Headers: []sarama.RecordHeader{{Key: []byte("id"), Value: []byte(id)}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
