package devstacktest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/walpost/walpost/dev/devstack"
)

// Consume reads n records of topics from their beginning, with another client than walpost's. Fewer fail the test.
func Consume(t testing.TB, k *devstack.Kafka, n int, topics ...string) []*kgo.Record {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.Bootstrap(devstack.Plaintext)...), kgo.ConsumeTopics(topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(50*time.Millisecond), kgo.UnknownTopicRetries(-1))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeoutCause(t.Context(), Patience, errors.New("waited too long"))
	defer cancel()
	var all []*kgo.Record
	for len(all) < n {
		all = append(all, cl.PollFetches(ctx).Records()...)
		if ctx.Err() != nil {
			t.Fatalf("read %d of %d records of %v: %v", len(all), n, topics, context.Cause(ctx))
		}
	}
	return all
}
