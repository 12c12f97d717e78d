package relay

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/backoff"
	"github.com/walpost/walpost/internal/notify"
)

// Kafka counts a topic's retention.ms from a record's own time (Kafka documentation,
// "Topic Configs"): what is older when it is published is deleted minutes after it was
// acknowledged. The relay cannot prevent it, so it reports it.
const (
	retentionYoung  = time.Minute      // younger events are not compared
	retentionPause  = 10 * time.Second // between two comparisons
	retentionTopics = 1000             // topics that are remembered in between
)

// retentionWatcher compares what was published late with what its topic keeps. It sleeps
// as long as everything is young.
type retentionWatcher struct {
	*shared

	late notify.Signal

	mu     sync.Mutex
	oldest map[string]int64 // by topic, the oldest time since the last comparison that is not young, in milliseconds since 1970
}

func newRetentionWatcher(s *shared) *retentionWatcher {
	return &retentionWatcher{shared: s, late: notify.NewSignal()}
}

// note is called for each batch that Kafka acknowledged.
func (w *retentionWatcher) note(topic string, stamp int64) {
	if stamp > time.Now().Add(-retentionYoung).UnixMilli() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	before, known := w.oldest[topic]
	if known && before <= stamp || !known && len(w.oldest) >= retentionTopics {
		return
	}
	if w.oldest == nil {
		w.oldest = map[string]int64{}
	}
	w.oldest[topic] = stamp
	w.late.Notify()
}

func (w *retentionWatcher) take() map[string]int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.oldest
	w.oldest = nil
	return taken
}

func (w *retentionWatcher) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.late:
		}
		w.compare(ctx)
		if backoff.Sleep(ctx, retentionPause) != nil {
			return
		}
	}
}

// compare compares the oldest records since the last comparison with what their topics keep.
func (w *retentionWatcher) compare(ctx context.Context) {
	oldest := w.take()
	if w.opts.Describe == nil || len(oldest) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	found, err := w.opts.Describe(ctx, slices.Sorted(maps.Keys(oldest)))
	if err != nil { // Kafka does not answer: tried again at the next late event
		for topic, stamp := range oldest {
			w.note(topic, stamp)
		}
		return
	}
	for i := range found {
		keeps, counts := found[i].Keeps()
		age := time.Since(time.UnixMilli(oldest[found[i].Name]))
		if !counts || age < keeps {
			continue
		}
		w.log.Warn("published what its topic does not keep", zap.String("topic", found[i].Name),
			zap.Duration("age", age.Round(time.Second)), zap.Duration("retention", keeps))
		w.seen.Expired(fmt.Sprintf("topic %s keeps records for %v, counted from their own time, and one of %v ago was published",
			found[i].Name, keeps, age.Round(time.Second)))
	}
}
