package inbox

import (
	"cmp"
	"slices"
	"time"
)

// Health is the progress of a consumer or a projection.
type Health struct {
	// Partitions are those that this member has, sorted by topic and number.
	Partitions []PartitionHealth
}

// PartitionHealth is the progress in one partition.
type PartitionHealth struct {
	Topic     string
	Partition int32
	Rebuild   bool // Rebuild of pkg/projection reads it
	// Next is the offset below which all records are done. It is below 0 for a group without
	// an offset, until its first record is done.
	Next int64
	// End is the offset of the record that will be written next, as of the last fetch.
	// End - Next is the lag in records.
	End int64
	// Waiting is the number of records that are read and not done.
	Waiting int
	// LastProgress is when Next last moved, or when there was last nothing to do.
	LastProgress time.Time
	// Err is why the current record is being retried; nil if none is. With Config.Parallel
	// other records may be failing too.
	Err error
	// FailingSince is when the first attempt with Err began; zero without Err.
	FailingSince time.Time
}

// Stuck reports whether a partition has had records to process for longer than after
// without finishing one: for a liveness probe or an alert.
func (h Health) Stuck(after time.Duration) bool {
	return slices.ContainsFunc(h.Partitions, func(p PartitionHealth) bool {
		return p.Waiting > 0 && time.Since(p.LastProgress) > after
	})
}

// failure is what a partition fails with.
type failure struct {
	since time.Time
	err   error
}

// failing is since when the partition has failed.
func (p *partition) failing() time.Time {
	if f := p.failure.Load(); f != nil {
		return f.since
	}
	return time.Now()
}

func (p *partition) health() PartitionHealth {
	next, waiting := p.done.State()
	h := PartitionHealth{
		Topic: p.claim.Topic(), Partition: p.claim.Partition(), Next: next, End: p.claim.HighWaterMarkOffset(),
		Waiting: waiting, LastProgress: time.Unix(0, p.progress.Load()),
	}
	if f := p.failure.Load(); f != nil {
		h.Err, h.FailingSince = f.err, f.since
	}
	return h
}

// Health returns the progress of the consumer. It may be called at any time.
func (c *Consumer) Health() Health {
	c.mu.Lock()
	defer c.mu.Unlock()
	var h Health
	for p := range c.partitions {
		h.Partitions = append(h.Partitions, p.health())
	}
	slices.SortFunc(h.Partitions, func(a, b PartitionHealth) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return h
}
