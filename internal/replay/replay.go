// Package replay answers how events are published again: rows of the outbox table, or
// records of a topic, each marked with a header.
//
// It knows the table and the topics. It touches neither the slot nor the table, and must
// not know the relay, nor flags.
package replay

import (
	"context"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/outboxtable"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/republish"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/topicname"
	"github.com/walpost/walpost/internal/wiring"
)

// Header marks a record that was published again. Its value is when the
// replay began: RFC 3339, UTC, milliseconds. It stands after the record's own
// headers, and takes the place of one from an earlier replay.
const Header = "walpost-replay"

// Options says what is published again, and where to.
type Options struct {
	Config  *config.Config
	Rows    Range   // of the table, when Topic is ""
	Topic   string  // the topic to read instead of the table
	Records Records // of that topic
	ToTopic string  // "": the topic that each row leads to
	Rate    float64 // records a second, at most; 0: no limit
	// StampNow stamps each record with the time of publishing instead of its own.
	StampNow bool
	Log      *zap.Logger
}

// Plan is what will be published again.
type Plan struct {
	Source     string // in words
	Order      string // in words
	Max        int64  // rows; of a topic an upper bound
	Topics     []outboxtable.TopicRows
	MoreTopics int64 // topics not in the list
	Spans      []Span
	Warnings   []string
	Began      time.Time // the value of Header

	query *outboxtable.Query
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
	Options

	conn   *pgx.Conn // for the catalogue; nil for a topic
	reader *pgx.Conn // in a transaction that sees the table as it was at the plan
	client sarama.Client
}

// Open connects to what is read from, and makes sure that Kafka answers.
func Open(ctx context.Context, o Options) (*Replay, error) {
	admin, err := topics.OpenAdmin(ctx, wiring.Kafka(o.Config))
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	r := &Replay{Options: o}
	if o.ToTopic != "" {
		if err := r.checkTarget(ctx, admin); err != nil {
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
	r.client, err = kafka.NewReadClient(wiring.Kafka(o.Config))
	return r, err
}

// checkTarget refuses a topic that no record could reach.
func (r *Replay) checkTarget(ctx context.Context, admin topics.Admin) error {
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
func (r *Replay) Examine(ctx context.Context) (*Plan, error) {
	plan := &Plan{Began: time.Now()}
	if r.conn == nil {
		return plan, r.examineTopic(ctx, plan)
	}
	return plan, r.examineTable(ctx, plan)
}

// Run publishes what the plan says, and returns when Kafka has acknowledged all
// of it. report hears now and then how far it is. After an error the result says
// what Kafka has.
func (r *Replay) Run(ctx context.Context, plan *Plan, report func(republish.Result)) (republish.Result, error) {
	mapping := wiring.Mapping(r.Config)
	mapping.PositionHeader = "" // a replay has no place in the stream
	if r.ToTopic != "" {
		mapping.Format.Route = mapping.Topic // names in schemas stay
		mapping.Topic, mapping.TopicRegex, mapping.Allow = topicname.Template{{Literal: r.ToTopic}}, "", nil
	}
	p, err := republish.New(ctx, republish.Options{
		Config: r.Config, Mapping: mapping, Command: "replay", Log: r.Log, Rate: r.Rate, StampNow: r.StampNow,
		Headers: []record.Header{{Name: Header, Value: plan.Began.UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z07:00")}},
	})
	if err != nil {
		return republish.Result{}, err
	}
	defer p.Close()
	if r.conn != nil {
		err = p.Rows(ctx, r.reader, r.conn, plan.query, report)
	} else {
		err = r.publishTopic(ctx, p, plan, report)
	}
	return p.Result(), err
}
