package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/read"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/safetext"
	"github.com/walpost/walpost/internal/topicname"
	"github.com/walpost/walpost/internal/wiring"
)

// skew is how far the time of a record may lie before that of its row where they
// do not come from the same column.
const skew = time.Hour

// keptTexts is how many ids that are in the topics only are kept as text.
const keptTexts = 10_000

// topics are those that the rows lead to, of dead letters, and the ones asked for.
func (a *audit) topics(ctx context.Context) ([]string, error) {
	cfg := a.Config
	names := []string{}
	if only := cfg.Outbox.OnlyTopic(); only != "" {
		names = append(names, only)
	} else {
		values, _, err := catalog.DistinctValues(ctx, a.conn, wiring.Table(cfg), cfg.Outbox.Topic.Columns(), cfg.Outbox.TopicLength(),
			wiring.Columns(cfg).Filter)
		if err != nil {
			return nil, err
		}
		for _, row := range values {
			names = append(names, cfg.Outbox.TopicOf(row...))
		}
	}
	names = append(names, a.Topics...)
	if len(names) > 0 {
		names = append(names, cfg.Delivery.DeadLetterTopics(names)...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return slices.DeleteFunc(names, func(name string) bool { return !topicname.Valid(name) }), nil
}

// readTopics reads what is in the topics at this moment.
func (a *audit) readTopics(ctx context.Context) error {
	o := wiring.Kafka(a.Config)
	client, err := kafka.NewReadClient(o)
	if err != nil {
		return err
	}
	defer client.Close() //nolint:errcheck // it was read from only
	var from time.Time
	if !a.Since.IsZero() {
		from = a.Since
		if a.timeColumn() != a.Config.Outbox.Timestamp {
			from = from.Add(-skew)
		}
	}
	dead := a.Config.Delivery.DeadLetterTopics(a.report.Topics)
	for _, topic := range a.report.Topics {
		isDead := slices.Contains(dead, topic)
		shortened, err := a.readTopic(ctx, client, topic, from, func(rec read.Record) error {
			a.record(rec.Record, rec.Time, isDead)
			return nil
		})
		if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
			a.report.note("topic %s does not exist", topic)
			continue
		}
		if err != nil {
			return o.ExplainRead(topic, err)
		}
		if shortened {
			a.shortened = append(a.shortened, topic)
		}
	}
	return nil
}

// readTopic reads a topic from a time to its end of this moment, and reports whether the
// first records of a partition are gone. Of transactions it reads what consumers see when
// the relay writes them, else all of it.
func (a *audit) readTopic(
	ctx context.Context, client sarama.Client, topic string, from time.Time, do read.Func,
) (shortened bool, err error) {
	if err := client.RefreshMetadata(topic); err != nil {
		return false, read.WithoutTopic(err, topic)
	}
	partitions, err := client.Partitions(topic)
	if err != nil {
		return false, err
	}
	for _, id := range partitions {
		gone, err := readPartition(ctx, read.Partition{
			Client: client, Topic: topic, ID: id, Committed: a.Config.Delivery.ExactlyOnce(),
		}, from, do)
		if err != nil {
			return false, fmt.Errorf("partition %d: %w", id, err)
		}
		shortened = shortened || gone
	}
	return shortened, nil
}

func readPartition(ctx context.Context, p read.Partition, from time.Time, do read.Func) (shortened bool, err error) {
	oldest, first, end, err := p.Offsets(ctx, from)
	if err != nil {
		return false, err
	}
	shortened = oldest > 0 && first == oldest && (from.IsZero() || first < end)
	for {
		err := p.Range(ctx, first, end, do)
		if _, gone := errors.AsType[*read.GoneError](err); !gone {
			return shortened, err
		}
		shortened = true // retention has gone on
		if first, err = p.Client.GetOffset(p.Topic, p.ID, sarama.OffsetOldest); err != nil {
			return shortened, err
		}
	}
}

// record compares one record with the rows.
func (a *audit) record(rec *sarama.Record, at time.Time, isDead bool) {
	var id []byte
	for _, h := range rec.Headers {
		if string(h.Key) == "id" {
			id = a.id.plain(h.Value)
			break
		}
	}
	if id == nil {
		return // nobody's of this table, or of a row without an id
	}
	a.report.Records++
	if isDead {
		a.report.DeadLetters++
	}
	h := hashID(id)
	if i, ok := a.rows.find(h); ok {
		if a.rows.seen[i] {
			a.report.Repeats++
		}
		a.rows.seen[i] = true
		return
	}
	if at.Before(a.Since) || (!a.Until.IsZero() && !at.Before(a.Until)) {
		return
	}
	if _, ok := a.unknown[h]; ok {
		return
	}
	text := ""
	if len(a.unknown) < keptTexts {
		text = safetext.TruncateName(id)
	}
	a.unknown[h] = text
}
