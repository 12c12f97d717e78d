package metrics

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/walpost/walpost/internal/topicname"
)

// other stands for label values beyond the limit, and for topics that no Kafka
// can have.
const other = "other"

// maxWords bounds labels whose values are words of the code.
const maxWords = 50

// labels are the values of the labels beside `relay`, at most two.
type labels struct{ first, second string }

// topicLabels names the topic when it is one: a rejected record may have any text.
func topicLabels(topic, reason string) labels {
	if !topicname.Valid(topic) {
		return labels{other, reason}
	}
	return labels{topic, reason}
}

// pair is the counters of one set of label values; bytes may be nil. What they
// count is kept beside, because a Counter does not tell.
type pair struct {
	events, bytes   prometheus.Counter
	counted, volume atomic.Uint64
}

func (p *pair) add(events, bytes int) {
	p.events.Add(float64(events))
	p.counted.Add(uint64(events))
	if p.bytes != nil {
		p.bytes.Add(float64(bytes))
		p.volume.Add(uint64(bytes))
	}
}

// series finds the counters of label values: without a lock and without
// allocation for those it has seen, since the way of each record goes through here.
type series struct {
	limit int
	open  func(labels) *pair

	seen atomic.Pointer[map[labels]*pair] // replaced as a whole when one is added
	mu   sync.Mutex
}

func newSeries(limit int, open func(labels) *pair) *series {
	s := &series{limit: limit, open: open}
	s.seen.Store(&map[labels]*pair{})
	return s
}

func (s *series) of(l labels) *pair {
	if p, ok := (*s.seen.Load())[l]; ok {
		return p
	}
	return s.add(l)
}

// add opens the series of new label values, or gives that of the rest.
func (s *series) add(l labels) *pair {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := *s.seen.Load()
	if _, ok := seen[l]; !ok && len(seen) >= s.limit {
		l.first = other
	}
	if p, ok := seen[l]; ok {
		return p
	}
	l = labels{strings.Clone(l.first), strings.Clone(l.second)}
	p := s.open(l)
	next := maps.Clone(seen)
	next[l] = p
	s.seen.Store(&next)
	return p
}
