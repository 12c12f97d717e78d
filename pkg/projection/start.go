package projection

import (
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// Start is where a projection without a position begins. The zero value is
// Beginning.
type Start struct {
	at      time.Time
	offsets map[string]map[int32]int64
}

// Beginning returns a Start at the oldest record that Kafka has.
func Beginning() Start { return Start{} }

// At returns a Start at the first record with this timestamp or a later one. If there is
// none, it is the end of the partition.
func At(t time.Time) Start { return Start{at: t} }

// Offsets returns a Start at an offset of each partition of each topic. A partition that is
// left out begins with its oldest record. An offset that is not in its partition ends Run
// with [ErrOutOfRange].
func Offsets(offsets map[string]map[int32]int64) Start { return Start{offsets: offsets} }

// offset asks Kafka.
func (s Start) offset(client sarama.Client, topic string, partition int32) (int64, error) {
	oldest, err := client.GetOffset(topic, partition, sarama.OffsetOldest)
	if err != nil {
		return 0, err
	}
	if given, ok := s.offsets[topic][partition]; ok {
		end, err := client.GetOffset(topic, partition, sarama.OffsetNewest)
		if err == nil && (given < oldest || given > end) {
			err = fmt.Errorf("%w: Start has offset %d, and there are %d to %d", ErrOutOfRange, given, oldest, end)
		}
		return given, err
	}
	if s.at.IsZero() {
		return oldest, nil
	}
	at, err := client.GetOffset(topic, partition, s.at.UnixMilli())
	if err == nil && at < 0 { // nothing so late: what comes
		return client.GetOffset(topic, partition, sarama.OffsetNewest)
	}
	return at, err
}
