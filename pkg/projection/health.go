package projection

import (
	"cmp"
	"slices"
	"time"

	"github.com/walpost/walpost/pkg/inbox"
)

// Health says where the projection stands: the partitions that Run and Rebuild read. It may
// be called at any time.
func (p *Projection) Health() inbox.Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	var h inbox.Health
	for f := range p.feeds {
		f.mu.Lock()
		for _, r := range f.reading {
			h.Partitions = append(h.Partitions, r.health())
		}
		f.mu.Unlock()
	}
	slices.SortFunc(h.Partitions, func(a, b inbox.PartitionHealth) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return h
}

func (r *reader) health() inbox.PartitionHealth {
	h := inbox.PartitionHealth{
		Topic: r.source.topic, Partition: r.source.partition, Rebuild: r.feed.shadow, Next: r.next.Load(), End: r.end.Load(),
		Waiting: int(r.waiting.Load()), LastProgress: time.Unix(0, r.progress.Load()),
	}
	if f := r.failure.Load(); f != nil {
		h.Err, h.FailingSince = f.err, f.since
	}
	return h
}
