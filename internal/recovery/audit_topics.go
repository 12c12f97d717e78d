package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/replication"
	"github.com/walpost/walpost/internal/router"
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
	if columns := cfg.Outbox.Topic.Columns(); len(columns) == 0 {
		names = append(names, cfg.Outbox.Topic.String())
	} else {
		values, _, err := replication.DistinctValues(ctx, a.conn, relay.Table(cfg), columns)
		if err != nil {
			return nil, err
		}
		for _, row := range values {
			names = append(names, render(cfg, columns, row))
		}
	}
	names = append(names, a.Topics...)
	names = append(names, deadLetterTopics(cfg, names)...)
	slices.Sort(names)
	names = slices.Compact(names)
	return slices.DeleteFunc(names, func(name string) bool { return router.ValidTopic(name) != nil }), nil
}

func deadLetterTopics(cfg *config.Config, topics []string) []string {
	if cfg.Delivery.OnReject != "dead_letter" {
		return nil
	}
	var names []string
	for _, topic := range topics {
		var name strings.Builder
		for _, p := range cfg.Delivery.DeadLetter.Parts() {
			name.WriteString(p.Literal)
			if p.Column != "" {
				name.WriteString(topic)
			}
		}
		names = append(names, name.String())
	}
	return names
}

// readTopics reads what is in the topics at this moment.
func (a *audit) readTopics(ctx context.Context) error {
	o := relay.Kafka(a.Config)
	settings, err := kafka.Settings(o)
	if err != nil {
		return err
	}
	settings.Metadata.Retry.Max = 3
	client, err := sarama.NewClient(o.Brokers, settings)
	if err != nil {
		return o.ExplainAt("connect", strings.Join(o.Brokers, ", "), err)
	}
	defer client.Close() //nolint:errcheck // it was read from only
	var from time.Time
	if !a.Since.IsZero() {
		from = a.Since
		if a.timeColumn() != a.Config.Outbox.Timestamp {
			from = from.Add(-skew)
		}
	}
	dead := deadLetterTopics(a.Config, a.report.Topics)
	for _, topic := range a.report.Topics {
		isDead := slices.Contains(dead, topic)
		reader := topicReader{client: client, topic: topic, from: from}
		err := reader.read(ctx, func(rec *sarama.Record, at time.Time) { a.record(rec, at, isDead) })
		if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
			a.report.note("topic %s does not exist", topic)
			continue
		}
		if err != nil {
			return o.ExplainAt("read topic "+topic, strings.Join(o.Brokers, ", "), err)
		}
		if reader.shortened {
			a.shortened = append(a.shortened, topic)
		}
	}
	return nil
}

// record compares one record with the rows.
func (a *audit) record(rec *sarama.Record, at time.Time, isDead bool) {
	var id []byte
	for _, h := range rec.Headers {
		if string(h.Key) == "id" {
			id = h.Value
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
		text = string(id)
	}
	a.unknown[h] = text
}

// topicReader reads a topic from a time to its end of that moment. It fetches by
// itself: sarama's consumer does not tell when a partition ends in a record that
// it hides.
type topicReader struct {
	client    sarama.Client
	topic     string
	from      time.Time // zero: from the beginning
	shortened bool      // the first records of a partition are gone
}

func (r *topicReader) read(ctx context.Context, record func(*sarama.Record, time.Time)) error {
	if err := r.client.RefreshMetadata(r.topic); err != nil {
		return err
	}
	partitions, err := r.client.Partitions(r.topic)
	if err != nil {
		return err
	}
	for _, p := range partitions {
		if err := r.partition(ctx, p, record); err != nil {
			return fmt.Errorf("partition %d: %w", p, err)
		}
	}
	return nil
}

func (r *topicReader) partition(ctx context.Context, p int32, record func(*sarama.Record, time.Time)) error {
	end, err := r.client.GetOffset(r.topic, p, sarama.OffsetNewest)
	if err != nil {
		return err
	}
	offset, err := r.begin(p, end)
	if err != nil {
		return err
	}
	for tries := 0; offset < end; {
		next, err := r.fetch(ctx, p, offset, end, record)
		switch {
		case err == nil && next > offset:
			offset, tries = next, 0
			continue
		case errors.Is(err, sarama.ErrOffsetOutOfRange): // retention has gone on
			r.shortened = true
			if offset, err = r.client.GetOffset(r.topic, p, sarama.OffsetOldest); err != nil {
				return err
			}
			continue
		case tries == 10:
			return errors.Join(err, fmt.Errorf("no record after offset %d of %d", offset, end))
		}
		tries++
		if err := pause(ctx, settleEvery); err != nil {
			return err
		}
		if err := r.client.RefreshMetadata(r.topic); err != nil && tries == 10 {
			return err
		}
	}
	return nil
}

// begin is the offset to read from. Every record of the time from or later lies
// at it or behind it.
func (r *topicReader) begin(p int32, end int64) (int64, error) {
	oldest, err := r.client.GetOffset(r.topic, p, sarama.OffsetOldest)
	if err != nil || r.from.IsZero() {
		r.shortened = r.shortened || oldest > 0
		return oldest, err
	}
	at, err := r.client.GetOffset(r.topic, p, r.from.UnixMilli())
	if err != nil {
		return 0, err
	}
	if at < 0 { // nothing so late
		return end, nil
	}
	r.shortened = r.shortened || (oldest > 0 && at == oldest)
	return at, nil
}

// fetchBytes is what one answer may hold; one batch that is larger comes alone.
const fetchBytes = 4 << 20

// fetch hands on the records of one answer and gives the offset behind them.
func (r *topicReader) fetch(ctx context.Context, p int32, offset, end int64, record func(*sarama.Record, time.Time)) (int64, error) {
	if ctx.Err() != nil {
		return offset, context.Cause(ctx)
	}
	broker, err := r.client.Leader(r.topic, p)
	if err != nil {
		return offset, err
	}
	req := &sarama.FetchRequest{Version: 11, MaxWaitTime: 500, MinBytes: 1, MaxBytes: fetchBytes, SessionEpoch: -1}
	req.AddBlock(r.topic, p, offset, fetchBytes, -1)
	res, err := broker.Fetch(req)
	if err != nil {
		return offset, err
	}
	block := res.GetBlock(r.topic, p)
	switch {
	case block == nil:
		return offset, errors.New("the broker answered without the partition")
	case !errors.Is(block.Err, sarama.ErrNoError):
		return offset, block.Err
	}
	for _, set := range block.RecordsSet {
		b := set.RecordBatch
		if b == nil {
			return offset, errors.New("records in the format of before Kafka 0.11, without headers")
		}
		if b.PartialTrailingRecord && len(b.Records) == 0 {
			continue
		}
		for _, rec := range b.Records {
			if at := b.FirstOffset + rec.OffsetDelta; b.Control || at < offset || at >= end {
				continue
			}
			record(rec, timeOf(b, rec))
		}
		offset = max(offset, b.LastOffset()+1)
	}
	return offset, nil
}

func timeOf(b *sarama.RecordBatch, rec *sarama.Record) time.Time {
	if b.LogAppendTime {
		return b.MaxTimestamp
	}
	return b.FirstTimestamp.Add(rec.TimestampDelta)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
