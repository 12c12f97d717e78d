package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka/read"
	"github.com/walpost/walpost/internal/outboxtable"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/republish"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// Records says which records of a topic are published again.
type Records struct {
	From, To    time.Time // zero: open. From is in the range, To is not
	FirstOffset int64     // of each partition; below 0: open. Both are in the range
	LastOffset  int64
	Partitions  []int32 // none: every
}

func (r *Records) has(at time.Time) bool {
	return !at.Before(r.From) && (r.To.IsZero() || at.Before(r.To))
}

// examineTopic finds the offsets to read.
func (r *Replay) examineTopic(ctx context.Context, plan *Plan) error {
	explain := func(err error) error { return wiring.Kafka(r.Config).ExplainRead(r.Topic, err) }
	partitions, err := r.client.Partitions(r.Topic)
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return &status.Halt{Code: status.ExitRequirement, Reason: "topic " + r.Topic + " does not exist", Hint: "see --topic"}
	}
	if err != nil {
		return explain(err)
	}
	for _, p := range r.Records.Partitions {
		if !slices.Contains(partitions, p) {
			return status.Usage("--partition %d: topic %s has %d partitions, from 0", p, r.Topic, len(partitions))
		}
	}
	for _, p := range partitions {
		if len(r.Records.Partitions) > 0 && !slices.Contains(r.Records.Partitions, p) {
			continue
		}
		s, err := r.span(ctx, p)
		if _, gone := errors.AsType[*status.Halt](err); gone {
			return err
		}
		if err != nil {
			return explain(err)
		}
		if s.First < s.End {
			plan.Spans = append(plan.Spans, s)
			plan.Max += s.End - s.First
		}
	}
	plan.Source, plan.Order = "records of topic "+r.Topic, "offset, one partition after the other"
	plan.Topics = []outboxtable.TopicRows{{Topic: r.ToTopic, Rows: plan.Max}}
	if r.StampNow {
		return nil
	}
	return r.firstRecords(ctx, plan.Spans)
}

// firstRecords checks the first record of each span: most often it is the oldest, and
// what is refused is refused before anything is published.
func (r *Replay) firstRecords(ctx context.Context, spans []Span) error {
	expiry := republish.NewExpiry(r.Config)
	for _, s := range spans {
		var first time.Time
		err := r.partition(s.Partition).Range(ctx, s.First, s.First+1, func(rec read.Record) error {
			first = rec.Time
			return nil
		})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil || first.IsZero() || !r.Records.has(first) {
			continue // Run says why it cannot be read; nothing for a consumer there; not chosen
		}
		if err := expiry.Check(ctx, r.ToTopic, first); err != nil {
			return err
		}
	}
	return nil
}

// span returns what is read of one partition. Times of records need not rise, so an upper
// time does not end it.
func (r *Replay) span(ctx context.Context, p int32) (Span, error) {
	oldest, begin, end, err := r.partition(p).Offsets(ctx, r.Records.From)
	if err != nil {
		return Span{}, err
	}
	s := Span{Partition: p, First: begin, End: end}
	if first := r.Records.FirstOffset; first >= 0 {
		if first < oldest {
			return Span{}, &status.Halt{
				Code:   status.ExitRequirement,
				Reason: fmt.Sprintf("offset %d of topic %s, partition %d, is gone: the oldest is %d", first, r.Topic, p, oldest),
				Hint:   "give --from-offset " + fmt.Sprint(oldest) + ", or leave it out",
			}
		}
		s.First = max(s.First, first)
	}
	if last := r.Records.LastOffset; last >= 0 {
		s.End = min(s.End, last+1)
	}
	return s, nil
}

// publishTopic publishes the records of the spans, partition by partition.
func (r *Replay) publishTopic(ctx context.Context, p *republish.Publisher, plan *Plan, report func(republish.Result)) error {
	same, err := r.samePartitions()
	if err != nil {
		return err
	}
	published := 0
	for _, s := range plan.Spans {
		err := r.partition(s.Partition).Range(ctx, s.First, s.End, func(rec read.Record) error {
			if !r.Records.has(rec.Time) {
				return nil
			}
			again := r.record(rec.Record, rec.Time)
			if same {
				again.Partition = s.Partition
			}
			if err := p.Record(ctx, again); err != nil {
				return err
			}
			if published++; published%outboxtable.ChunkSize == 0 {
				report(p.Result())
			}
			return nil
		})
		if err != nil {
			return r.explain(s.Partition, err)
		}
	}
	return p.Flush(ctx)
}

// partition is a partition of the topic that is read from.
func (r *Replay) partition(id int32) read.Partition {
	return read.Partition{Client: r.client, Topic: r.Topic, ID: id, Committed: true}
}

// explain adds the partition to what Kafka says; what the publisher says stays.
func (r *Replay) explain(partition int32, err error) error {
	if failed, ok := errors.AsType[*read.FuncError](err); ok {
		return failed.Err
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return wiring.Kafka(r.Config).ExplainRead(r.Topic, fmt.Errorf("partition %d: %w", partition, err))
}

// samePartitions reports whether records may keep their partitions: both topics have as
// many.
func (r *Replay) samePartitions() (bool, error) {
	counts := [2]int{}
	for i, topic := range []string{r.Topic, r.ToTopic} {
		partitions, err := r.client.Partitions(topic)
		if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
			return false, nil // it is created with the first record
		}
		if err != nil {
			return false, wiring.Kafka(r.Config).Explain("look up topic "+topic, err)
		}
		counts[i] = len(partitions)
	}
	return counts[0] == counts[1], nil
}

// record returns a record of the topic as it is published again.
func (r *Replay) record(rec *sarama.Record, stamp time.Time) *record.Record {
	if r.StampNow {
		stamp = time.Now()
	}
	again := &record.Record{Topic: r.ToTopic, Key: rec.Key, Value: rec.Value, Timestamp: stamp.UnixMilli(), Partition: -1}
	again.Headers = make([]record.Header, 0, len(rec.Headers)+1)
	for _, h := range rec.Headers {
		again.Headers = append(again.Headers, record.Header{Name: string(h.Key), Value: h.Value})
	}
	again.Headers = slices.DeleteFunc(again.Headers, func(h record.Header) bool { return h.Name == Header })
	return again
}
