package inbox

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/backoff"
	"github.com/walpost/walpost/pkg/inbox/internal/header"
	"github.com/walpost/walpost/pkg/inbox/internal/writer"
)

// ErrNotParked means that a record in a retry topic was not written by an inbox, or for a
// topic that is not consumed any more. It becomes a dead letter.
var ErrNotParked = fmt.Errorf("%w: it is in a retry topic, and its headers %s* name no record of Config.Topics",
	ErrUndecodable, header.RetryPrefix)

// parking is what a retry topic knows of a record besides the record.
type parking struct {
	attempts  int
	began, at time.Time
}

// mustPark reports whether the record goes to the retry topic.
func (t *task) mustPark() bool {
	c := t.partition.consumer.config
	return t.behind || !t.inPlace && c.RetryTopic != "" && !t.event.parked &&
		t.err != nil && t.class == ClassTransient && t.counted >= c.ParkAfter && !t.exhausted()
}

// park writes the record to its retry topic, and reports whether it is there; ok is false
// if the session has ended. A record behind a parked one has been noted already. One that
// is too large for the retry topic is tried in place, after a wait: it delays what is
// behind it, and is neither lost nor overtaken.
func (t *task) park(ctx context.Context) (there, ok bool) {
	c := t.partition.consumer
	if !t.behind && !t.settle(ctx, c.unit.park) {
		return false, false
	}
	err := t.write(ctx, t.parkedRecord(), "retry topic")
	if writer.IsTooLarge(err) {
		t.inPlace = true
		return false, t.settle(ctx, c.unit.takeBack) &&
			t.partition.retry(ctx, Observation{Event: t.event, Err: fmt.Errorf("inbox: tried in place: %w", err), Class: ClassTransient},
				t.event.Attempt)
	}
	if err != nil {
		return false, false
	}
	c.observe(Observation{Kind: KindParked, Event: t.event, Err: t.err, Class: t.class})
	return true, true
}

// parkedRecord returns the record with the headers of parking. Its partition follows from
// the original one, so records of a key stay in order.
func (t *task) parkedRecord() *sarama.ProducerMessage {
	c, m := t.partition.consumer, t.record.message
	parked := &sarama.ProducerMessage{
		Topic: c.config.retryTopicOf(m.Topic), Partition: m.Partition, Key: writer.Bytes(m.Key), Value: writer.Bytes(m.Value),
		Headers: header.Escape(m.Headers),
	}
	for _, h := range [...]struct{ name, value string }{
		{header.RetryTopic, m.Topic},
		{header.RetryPartition, strconv.Itoa(int(m.Partition))},
		{header.RetryOffset, strconv.FormatInt(m.Offset, 10)},
		{header.RetryTimestamp, header.Time(m.Timestamp)},
		{header.RetryGroup, c.config.Group},
		{header.RetryAttempts, strconv.Itoa(t.counted)},
		{header.RetryFirstFailed, header.Time(t.began)},
		{header.RetryTime, header.Time(time.Now())},
	} {
		parked.Headers = append(parked.Headers, header.New(h.name, h.value))
	}
	return parked
}

// restore makes the record what it was before it was parked, and reports whether it is
// this group's; one of another group is passed over. A record that no inbox has parked is
// foreign: the group that meets it rejects it.
func (p *partition) restore(r *record) (ours bool) {
	known := *r.message
	var parked header.Values
	parked, known.Headers = header.Split(r.message.Headers, func(name string) bool { return strings.HasPrefix(name, header.RetryPrefix) })
	group := parked[header.RetryGroup]
	if parked[header.RetryTopic] != "" && group != "" && group != p.consumer.config.Group {
		p.finish(*r)
		return false
	}
	partition, offset := parked.Int32(header.RetryPartition, -1), parked.Int64(header.RetryOffset, -1)
	attempts := parked.Int32(header.RetryAttempts, -1)
	if group == "" || !p.isRetryOf(parked[header.RetryTopic]) || partition < 0 || offset < 0 || attempts < 0 {
		r.foreign = true
		return true
	}
	known.Topic, known.Partition, known.Offset = parked[header.RetryTopic], partition, offset
	known.Timestamp = parked.Time(header.RetryTimestamp)
	r.message = &known
	r.parked = &parking{
		attempts: int(attempts), began: parked.Time(header.RetryFirstFailed), at: parked.Time(header.RetryTime),
	}
	return true
}

// isRetryOf reports whether this is a partition of the retry topic of a topic that is consumed.
func (p *partition) isRetryOf(topic string) bool {
	c := &p.consumer.config
	return slices.Contains(c.Topics, topic) && c.retryTopicOf(topic) == p.claim.Topic()
}

// resume goes on where parking left off, after the wait that is due, and reports whether
// the session goes on.
func (t *task) resume(ctx context.Context) bool {
	parked := t.record.parked
	t.event.parked = true
	t.counted, t.event.Attempt = parked.attempts, parked.attempts
	if !parked.began.IsZero() {
		t.began = parked.began
	}
	if parked.attempts == 0 {
		return true
	}
	wait := t.partition.consumer.config.Retry.wait(parked.attempts)
	return backoff.Sleep(ctx, min(time.Until(parked.at.Add(wait)), wait)) == nil
}
