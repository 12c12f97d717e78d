package projection

import (
	"cmp"
	"slices"
	"time"
)

// Health is where a projection stands.
type Health struct {
	// Partitions are those of Run and of Rebuild that are read, by topic and number.
	Partitions []PartitionHealth
}

// PartitionHealth is where one partition stands.
type PartitionHealth struct {
	Topic     string
	Partition int32
	// Rebuild says that it is read by Rebuild.
	Rebuild bool
	// Next is the offset below which everything is applied.
	Next int64
	// End is the offset of the record that will be written next, as far as is known.
	End int64
	// Applying says that records are in hand.
	Applying bool
	// LastProgress is when Next last moved.
	LastProgress time.Time
	// Err is why a record is being tried again; nil when none is.
	Err error
}

// Stuck reports whether a partition has had records in hand for so long without applying
// any: for a liveness probe or an alert.
func (h Health) Stuck(after time.Duration) bool {
	return slices.ContainsFunc(h.Partitions, func(p PartitionHealth) bool {
		return p.Applying && time.Since(p.LastProgress) > after
	})
}

// Health says where the projection stands. It may be called at any time.
func (p *Projection) Health() Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	var h Health
	for f := range p.feeds {
		f.mu.Lock()
		for _, r := range f.reading {
			h.Partitions = append(h.Partitions, r.health())
		}
		f.mu.Unlock()
	}
	slices.SortFunc(h.Partitions, func(a, b PartitionHealth) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return h
}

func (r *reader) health() PartitionHealth {
	h := PartitionHealth{
		Topic: r.source.topic, Partition: r.source.partition, Rebuild: r.feed.shadow, Next: r.next.Load(), End: r.end.Load(),
		Applying: r.idle.Load() == 0, LastProgress: time.Unix(0, r.progress.Load()),
	}
	if err := r.failure.Load(); err != nil {
		h.Err = *err
	}
	return h
}
