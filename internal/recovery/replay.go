package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/read"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/topicname"
	"github.com/walpost/walpost/internal/wiring"
)

// ReplayHeader marks a record that was published again. Its value is when the
// replay began: RFC 3339, UTC, milliseconds. It stands after the record's own
// headers, and takes the place of one from an earlier replay.
const ReplayHeader = "walpost-replay"

// ReplayOptions says what is published again, and where to.
type ReplayOptions struct {
	Config  *config.Config
	Rows    Range   // of the table, when Topic is ""
	Topic   string  // the topic to read instead of the table
	Records Records // of that topic
	ToTopic string  // "": the topic that each row leads to
	Rate    float64 // records a second, at most; 0: no limit
	// StampNow gives each record the time of publishing instead of its own.
	StampNow bool
	Log      *zap.Logger
}

// ReplayPlan is what will be published again.
type ReplayPlan struct {
	Source     string // in words
	Order      string // in words
	Most       int64  // rows; of a topic an upper bound
	Topics     []TopicRows
	MoreTopics int64 // topics not in the list
	Spans      []Span
	Warnings   []string
	Began      time.Time // the value of ReplayHeader

	query rows
}

// Span is the offsets that are read of a partition: from First up to, but not
// with, End.
type Span struct {
	Partition  int32
	First, End int64
}

// Replay publishes again what was published before. It touches neither the slot
// nor the table. Open it, look at its plan, run it.
type Replay struct {
	ReplayOptions
	conn   *pgx.Conn // for the catalogue; nil for a topic
	reader *pgx.Conn // in a transaction that sees the table as it was at the plan
	client sarama.Client
}

// OpenReplay connects to what is read from, and makes sure that Kafka answers.
func OpenReplay(ctx context.Context, o ReplayOptions) (*Replay, error) {
	admin, err := topics.OpenAdmin(ctx, wiring.Kafka(o.Config))
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	r := &Replay{ReplayOptions: o}
	if o.ToTopic != "" {
		if err := r.judgeTarget(ctx, admin); err != nil {
			return nil, err
		}
	}
	if o.Topic == "" {
		if r.conn, err = wiring.Target(o.Config).Connect(ctx); err != nil {
			return nil, err
		}
		if r.reader, err = wiring.Target(o.Config).Near(r.conn.PgConn()).Connect(ctx); err != nil {
			r.Close(ctx)
			return nil, err
		}
		return r, nil
	}
	r.client, err = topicClient(wiring.Kafka(o.Config))
	return r, err
}

// judgeTarget refuses a topic that no record could reach.
func (r *Replay) judgeTarget(ctx context.Context, admin topics.Admin) error {
	if err := topicname.Check(r.ToTopic); err != nil {
		return status.Usage("--to-topic: %v", err)
	}
	found, err := admin.Describe(ctx, r.ToTopic)
	if err != nil || len(found) != 1 || found[0].Exists || found[0].Err != nil || r.Config.Kafka.Topics.Create {
		return err
	}
	return &status.Halt{
		Code: status.ExitRequirement, Reason: "topic " + r.ToTopic + " does not exist",
		Hint: "create it, or set kafka.topics.create: true",
	}
}

// Close hangs up. It changes nothing.
func (r *Replay) Close(ctx context.Context) {
	for _, conn := range []*pgx.Conn{r.conn, r.reader} {
		if conn != nil {
			postgres.HangUp(ctx, conn)
		}
	}
	if r.client != nil {
		_ = r.client.Close() // it was read from only
	}
}

// Examine makes the plan. What it counts of the table is what Run publishes,
// whatever is committed in between.
func (r *Replay) Examine(ctx context.Context) (*ReplayPlan, error) {
	plan := &ReplayPlan{Began: time.Now()}
	if r.conn == nil {
		return plan, r.examineTopic(ctx, plan)
	}
	return plan, r.examineTable(ctx, plan)
}

// Run publishes what the plan says, and returns when Kafka has acknowledged all
// of it. report hears now and then how far it is. After an error the result says
// what Kafka has.
func (r *Replay) Run(ctx context.Context, plan *ReplayPlan, report func(Result)) (Result, error) {
	var result Result
	mapping := wiring.Mapping(r.Config)
	mapping.PositionHeader = "" // a replay has no place in the stream
	if r.StampNow {
		mapping.Timestamp = ""
	}
	if r.ToTopic != "" {
		mapping.Topic, mapping.Allow = topicname.Template{{Literal: r.ToTopic}}, nil
	}
	p, err := newPublisher(ctx, r.Config, mapping, r.Log, &result)
	if err != nil {
		return result, err
	}
	defer p.close()
	p.command, p.pace = "replay", newPace(r.Rate)
	p.stampNow(r.StampNow)
	p.mark = []record.Header{{Name: ReplayHeader, Value: plan.Began.UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z07:00")}}
	if r.conn != nil {
		err = p.rows(ctx, r.reader, r.conn, r.Config, &plan.query, func() { report(result) })
	} else {
		err = r.topic(ctx, p, plan, report)
	}
	p.figures()
	return result, err
}

// topicClient is a client to read topics with.
func topicClient(o kafka.Options) (sarama.Client, error) {
	settings, err := kafka.Settings(o)
	if err != nil {
		return nil, err
	}
	settings.Metadata.Retry.Max = 3
	client, err := sarama.NewClient(o.Brokers, settings)
	return client, o.Explain("connect to Kafka", err)
}

// topic publishes the records of the spans, partition by partition.
func (r *Replay) topic(ctx context.Context, p *publisher, plan *ReplayPlan, report func(Result)) error {
	same, err := r.samePartitions()
	if err != nil {
		return err
	}
	told := int64(0)
	for _, s := range plan.Spans {
		err := r.partition(s.Partition).Range(ctx, s.First, s.End, func(rec read.Record) error {
			if !r.Records.has(rec.Time) {
				return nil
			}
			again := r.record(rec.Record, rec.Time)
			if same {
				again.Partition = s.Partition
			}
			if err := p.again(ctx, again); err != nil {
				return err
			}
			if p.result.Rows-told >= chunk {
				told = p.result.Rows
				p.figures()
				report(*p.result)
			}
			return nil
		})
		if err != nil {
			return r.explain(s.Partition, err)
		}
	}
	return p.flush(ctx)
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
	return wiring.Kafka(r.Config).Explain(fmt.Sprintf("read topic %s, partition %d", r.Topic, partition), err)
}

// samePartitions tells that records may keep their partitions: both topics have
// as many.
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

// record is a record of the topic as it is published again.
func (r *Replay) record(rec *sarama.Record, stamp time.Time) *record.Record {
	if r.StampNow {
		stamp = time.Now()
	}
	again := &record.Record{Topic: r.ToTopic, Key: rec.Key, Value: rec.Value, Timestamp: stamp.UnixMilli(), Partition: -1}
	again.Headers = make([]record.Header, 0, len(rec.Headers)+1)
	for _, h := range rec.Headers {
		again.Headers = append(again.Headers, record.Header{Name: string(h.Key), Value: h.Value})
	}
	again.Headers = slices.DeleteFunc(again.Headers, func(h record.Header) bool { return h.Name == ReplayHeader })
	return again
}

// again publishes a record that was one before.
func (p *publisher) again(ctx context.Context, rec *record.Record) error {
	if err := p.room(ctx); err != nil {
		return err
	}
	if err := p.wait(ctx); err != nil {
		return err
	}
	p.position.Ordinal++
	p.result.Rows++
	return p.publish(ctx, rec)
}
