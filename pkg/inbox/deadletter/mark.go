package deadletter

import (
	"strconv"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/dlt"
	"github.com/walpost/walpost/pkg/inbox/internal/header"
)

// mark says what was done with a dead letter, and when. It stands behind its dead letter
// in the same partition, so retention never takes it first. (A group's offsets would be
// forgotten after offsets.retention.minutes, and know a prefix only.)
type mark struct {
	how string
	at  time.Time
}

// markOf reads a mark and the offset that it is about. ok is false for other records: a
// mark has neither key nor value, and no header of a dead letter.
func markOf(m *sarama.ConsumerMessage) (offset int64, _ mark, ok bool) {
	if m.Key != nil || m.Value != nil {
		return -1, mark{}, false
	}
	ours, _ := header.Split(m.Headers, isOurs)
	for name := range ours {
		switch name {
		case dlt.HeaderHandled, dlt.HeaderHandledOffset, dlt.HeaderHandledTime:
		default: // a dead letter
			return -1, mark{}, false
		}
	}
	how := ours[dlt.HeaderHandled]
	if how != Redriven && how != Discarded {
		return -1, mark{}, false
	}
	return ours.Int64(dlt.HeaderHandledOffset, -1), mark{how, ours.Time(dlt.HeaderHandledTime)}, true
}

// mark returns the mark for a dead letter.
func (r *Record) mark(how string) *sarama.ProducerMessage {
	return &sarama.ProducerMessage{Topic: r.Topic, Partition: r.Partition, Headers: []sarama.RecordHeader{
		header.New(dlt.HeaderHandled, how), header.New(dlt.HeaderHandledOffset, strconv.FormatInt(r.Offset, 10)),
		header.New(dlt.HeaderHandledTime, header.Time(time.Now())),
	}}
}
