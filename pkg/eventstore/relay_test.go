package eventstore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/devstack"
	"github.com/walpost/walpost/internal/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/pkg/eventstore"
)

// What is appended reaches Kafka by the relay, in the order of the versions, with the
// version as a header.
func TestRelayPublishesTheTable(t *testing.T) {
	t.Parallel()
	f := newFixture(t, eventstore.Config{})
	topic := stack.Topic(t, 3)
	file := filepath.Join(t.TempDir(), "walpost.yaml")
	yaml := fmt.Sprintf("name: %s\npostgres: {url: %q}\nkafka: {brokers: [%s]}\noutbox: {table: events, topic: %s, headers: {eventType: type, version: version}}\n",
		f.Name, f.URL, strings.Join(stack.Kafka(t).Bootstrap(devstack.Plaintext), ", "), topic)
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := relay.New(cfg, observer{}, zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, make(chan struct{})) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	devstacktest.Await(t, "the relay to stream", func() bool { return r.Status().State == relay.Streaming })
	for v := int64(0); v < 10; v += 2 {
		if _, err := f.append(t, mine, v, move(1), move(2)); err != nil {
			t.Fatal(err)
		}
	}
	var records []*sarama.ConsumerMessage
	devstacktest.Await(t, "10 records", func() bool {
		records, _ = stack.Kafka(t).Records(t.Context(), topic)
		return len(records) >= 10
	})
	for i, rec := range records {
		var words []string
		for _, h := range rec.Headers[1:] {
			words = append(words, string(h.Key)+"="+string(h.Value))
		}
		if got, want := strings.Join(words, " "), fmt.Sprintf("eventType=Moved version=%d", i+1); got != want || string(rec.Key) != mine.ID {
			t.Errorf("record %d of %q has %s, want %s", i, rec.Key, got, want)
		}
	}
}

// observer hears nothing.
type observer struct{}

func (observer) Published(string, int, int) {}
func (observer) Rejected(string, string)    {}
func (observer) DeadLettered(string)        {}
func (observer) ProduceError(string)        {}
func (observer) PossibleRepeats(int)        {}
func (observer) CommitToAck(time.Duration)  {}
func (observer) Request(time.Duration)      {}
func (observer) Reconnected()               {}
func (observer) ChangeIgnored(string)       {}
func (observer) PostgresConnected()         {}
func (observer) Pruned(int)                 {}
