package relay

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/wiring"
)

// Kafka counts a topic's retention.ms from a record's own time (Kafka documentation,
// "Topic Configs"): what is older when it is published is deleted minutes after it was
// acknowledged. Nothing can be done about it here but to say so.
const (
	retentionYoung  = time.Minute      // an age that no topic is asked about
	retentionPause  = 10 * time.Second // between two looks
	retentionTopics = 1000             // topics that are remembered between them
)

// aged is what was published and is not young: the oldest time of each topic, in
// milliseconds since 1970, since the last look.
type aged struct {
	told signal

	mu     sync.Mutex
	oldest map[string]int64
}

// note is called for each batch that Kafka acknowledged.
func (a *aged) note(topic string, stamp int64) {
	if stamp > time.Now().Add(-retentionYoung).UnixMilli() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	before, known := a.oldest[topic]
	if known && before <= stamp || !known && len(a.oldest) >= retentionTopics {
		return
	}
	if a.oldest == nil {
		a.oldest = map[string]int64{}
	}
	a.oldest[topic] = stamp
	a.told.give()
}

func (a *aged) take() map[string]int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := a.oldest
	a.oldest = nil
	return taken
}

// watchRetention compares what was published late with what its topic keeps. It sleeps
// as long as everything is young.
func (r *Relay) watchRetention(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.aged.told:
		}
		r.judgeRetention(ctx)
		timer := time.NewTimer(retentionPause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (r *Relay) judgeRetention(ctx context.Context) {
	oldest := r.aged.take()
	if r.describe == nil || len(oldest) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	found, err := r.describe(ctx, slices.Sorted(maps.Keys(oldest)))
	if err != nil { // Kafka is away, or does not tell: later, if it still matters
		for topic, stamp := range oldest {
			r.aged.note(topic, stamp)
		}
		return
	}
	for i := range found {
		keeps, counts := found[i].Keeps()
		age := time.Since(time.UnixMilli(oldest[found[i].Name]))
		if !counts || age < keeps {
			continue
		}
		r.log.Warn("published what its topic does not keep", zap.String("topic", found[i].Name), zap.Duration("age", age.Round(time.Second)), zap.Duration("retention", keeps))
		r.seen.expired(fmt.Sprintf("topic %s keeps records for %v, counted from their own time, and one of %v ago was published", found[i].Name, keeps, age.Round(time.Second)))
	}
}

// describeTopics asks Kafka over a connection of its own.
func (r *Relay) describeTopics(ctx context.Context, names []string) ([]topics.Topic, error) {
	client, err := topics.OpenAdmin(ctx, wiring.Kafka(r.cfg))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.Describe(ctx, names...)
}
