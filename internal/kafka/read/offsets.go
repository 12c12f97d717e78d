package read

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/backoff"
)

// Offsets returns which offsets the partition holds at this moment: its oldest, the first
// to read for records of a time or later, and the end. Every record of that time or later
// lies at first or behind it; a zero time stands for all records. A change of the leader
// is waited for, for some seconds.
func (p Partition) Offsets(ctx context.Context, since time.Time) (oldest, first, end int64, err error) {
	for retries := 0; ; retries++ {
		oldest, first, end, err = p.offsets(since)
		if !leaderMoves(err) || retries == maxRetries {
			return oldest, first, end, err
		}
		if err := backoff.Sleep(ctx, retryEvery); err != nil {
			return 0, 0, 0, err
		}
	}
}

func (p Partition) offsets(since time.Time) (oldest, first, end int64, err error) {
	if end, err = p.Client.GetOffset(p.Topic, p.ID, sarama.OffsetNewest); err != nil {
		return 0, 0, 0, err
	}
	if oldest, err = p.Client.GetOffset(p.Topic, p.ID, sarama.OffsetOldest); err != nil || since.IsZero() {
		return oldest, oldest, end, err
	}
	if first, err = p.Client.GetOffset(p.Topic, p.ID, since.UnixMilli()); err != nil {
		return 0, 0, 0, err
	}
	if first < 0 { // nothing so late
		first = end
	}
	return oldest, first, end, nil
}

// leaderMoves reports whether err says that the partition has no leader yet, or another
// one: as after the topic was created, or a broker has ended. sarama has asked twice then.
func leaderMoves(err error) bool {
	return slices.ContainsFunc([]error{
		sarama.ErrNotLeaderForPartition, sarama.ErrLeaderNotAvailable, sarama.ErrReplicaNotAvailable,
		sarama.ErrFencedLeaderEpoch, sarama.ErrUnknownLeaderEpoch, sarama.ErrOffsetNotAvailable,
	}, func(code error) bool { return errors.Is(err, code) })
}
