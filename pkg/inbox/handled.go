package inbox

import (
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// What has been done with a dead letter is remembered by a mark: a record of the same
// partition, without key and value. A mark comes after its dead letter, so retention
// never takes it first. (A group's offsets would be forgotten after
// offsets.retention.minutes, and know a prefix only.)
const (
	headerHandled       = headerPrefix + "handled"        // redriven or discarded
	headerHandledOffset = headerPrefix + "handled-offset" // of the dead letter
	headerHandledTime   = headerPrefix + "handled-time"   // RFC 3339 in UTC
)

// What may have been done.
const (
	redriven  = "redriven"
	discarded = "discarded"
)

// mark says what was done with a dead letter, and when.
type mark struct {
	how string
	at  time.Time
}

// markOf reads a mark and the offset that it is about. ok is false for other records: a
// mark has neither key nor value, and no header of a dead letter.
func markOf(m *sarama.ConsumerMessage) (offset int64, _ mark, ok bool) {
	headers := map[string]string{}
	for _, h := range m.Headers {
		switch name := string(h.Key); name {
		case headerHandled, headerHandledOffset, headerHandledTime:
			headers[name] = string(h.Value)
		default:
			if strings.HasPrefix(name, headerPrefix) { // a dead letter
				return -1, mark{}, false
			}
		}
	}
	how, ok := headers[headerHandled]
	if !ok || m.Key != nil || m.Value != nil || how != redriven && how != discarded {
		return -1, mark{}, false
	}
	return numberOf(headers, headerHandledOffset, -1), mark{how, timeOf(headers, headerHandledTime)}, true
}

// marker is the mark for a dead letter.
func (d *DeadLetter) marker(how string) *sarama.ProducerMessage {
	header := func(name, value string) sarama.RecordHeader {
		return sarama.RecordHeader{Key: []byte(name), Value: []byte(value)}
	}
	return &sarama.ProducerMessage{Topic: d.Topic, Partition: d.Partition, Headers: []sarama.RecordHeader{
		header(headerHandled, how), header(headerHandledOffset, strconv.FormatInt(d.Offset, 10)),
		header(headerHandledTime, timeText(time.Now())),
	}}
}
