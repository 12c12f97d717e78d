// Package monitor measures what an operator of an event-driven system watches
// beside the relay itself: replicas that are not in sync, and how far consumer
// groups are behind, for the topics that a relay writes. It asks Kafka's protocol,
// as any client may: no JMX, no agent.
//
// It knows Kafka's metadata, groups and offsets. It must not know Postgres, nor
// how records are sent: a cluster it cannot ask, or may not, is no concern of the
// relay's.
package monitor

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/kafka"
)

// Options say what is watched. All but Groups and Every are required.
type Options struct {
	Connection kafka.Options
	Topics     func() []string // topics written so far; called in each round
	Groups     []string        // globs of consumer groups (path.Match)
	Every      time.Duration   // between two rounds; 0: 10 s
	Log        *zap.Logger
}

// every is the time between two rounds: a replica that leaves and returns in between is
// not noticed.
const every = 10 * time.Second

// staleAfter is how many rounds may fail before the last figures count as unknown.
const staleAfter = 6

// maxLags bounds the series of a relay: groups come from others.
const maxLags = 1000

// Replicas is how the partitions of a topic are kept.
type Replicas struct {
	UnderReplicated int    // partitions with a replica that is not in sync
	Shrinks         uint64 // times that a replica was seen to have left the in-sync replicas of a partition
}

// Lag is how many records of a topic a consumer group has still to read.
type Lag struct {
	Group, Topic string
	Records      int64
}

// Monitor measures one cluster again and again. Several goroutines may read its figures.
type Monitor struct {
	options Options
	cluster cluster                    // Run's
	inSync  map[topicPartition][]int32 // in the last round; Run's
	broken  bool                       // the connection failed in this round; Run's

	troubles map[string]int // for how many rounds in a row each was there; Run's

	mu      sync.Mutex
	shrinks map[string]uint64
	under   map[string]int
	lags    []Lag
	at      time.Time // of under and lags
}

// topicPartition is a partition of a topic.
type topicPartition struct {
	topic     string
	partition int32
}

// New makes a monitor. Nothing is contacted until Run.
func New(o Options) *Monitor {
	if o.Every == 0 {
		o.Every = every
	}
	return &Monitor{
		options: o, cluster: cluster{options: o.Connection},
		inSync: map[topicPartition][]int32{}, troubles: map[string]int{}, shrinks: map[string]uint64{},
	}
}

// Run measures until ctx ends.
func (m *Monitor) Run(ctx context.Context) {
	defer m.cluster.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if topics := m.options.Topics(); len(topics) > 0 {
			m.round(ctx, topics)
		}
		timer.Reset(m.options.Every)
	}
}

// Replicas returns how a topic is replicated; false when that is not known.
func (m *Monitor) Replicas(topic string) (Replicas, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	under, ok := m.under[topic]
	return Replicas{under, m.shrinks[topic]}, ok && m.fresh()
}

// Lags are the lags of the groups, by group and topic; none when they are not known.
func (m *Monitor) Lags() []Lag {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.fresh() {
		return nil
	}
	return slices.Clone(m.lags)
}

func (m *Monitor) fresh() bool { return time.Since(m.at) < staleAfter*m.options.Every }

// round measures topics and groups once. A cluster that does not answer is not logged:
// the relay reports it.
func (m *Monitor) round(ctx context.Context, topics []string) {
	partitions, err := m.cluster.partitions(topics)
	if err != nil || ctx.Err() != nil {
		m.cluster.close()
		return
	}
	under, shrunk := m.compare(partitions)
	m.broken = false
	lags := m.groupLags(partitions)
	if m.broken {
		m.cluster.close()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.under, m.lags, m.at = under, lags, time.Now()
	for topic, n := range shrunk {
		m.shrinks[topic] += n
	}
}

// compare counts the partitions that lack a replica, and those that have lost one
// since the last round, by topic.
func (m *Monitor) compare(partitions []partition) (under map[string]int, shrunk map[string]uint64) {
	under, shrunk = map[string]int{}, map[string]uint64{}
	for _, p := range partitions {
		under[p.topic] += 0 // a topic without any is known too
		if len(p.inSync) < p.replicas {
			under[p.topic]++
		}
		for _, id := range m.inSync[p.topicPartition] {
			if !slices.Contains(p.inSync, id) {
				shrunk[p.topic]++
				break
			}
		}
		m.inSync[p.topicPartition] = p.inSync
	}
	return under, shrunk
}

// once logs a trouble when it begins, and says nothing more until it has ended. A
// right that is missing stays missing; anything else may pass by itself.
func (m *Monitor) once(what string, err error, hint string) {
	if err == nil {
		delete(m.troubles, what)
		return
	}
	m.troubles[what]++
	patience := 1
	if e, ok := errors.AsType[*kafka.Error](err); ok && e.Kind != kafka.Denied {
		m.broken, patience = true, staleAfter
	}
	if m.troubles[what] == patience {
		m.options.Log.Warn(what, zap.Error(err), zap.String("hint", hint))
	}
}
