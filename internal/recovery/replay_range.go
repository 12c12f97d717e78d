package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka/read"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// Range says which rows of the outbox table are published again. All, or at least
// one bound.
type Range struct {
	All        bool
	From, To   time.Time // zero: open. From is in the range, To is not
	FromID     string    // "": open. Both are in the range, as the column's type compares
	ToID       string
	Key        string // "": of every key
	TimeColumn string // "" is outbox.timestamp
}

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

// validate judges the range against the table.
func (r *Range) validate(cfg *config.Config, t *catalog.Table) error {
	bounded := !r.From.IsZero() || !r.To.IsZero() || r.FromID != "" || r.ToID != ""
	if r.All == bounded {
		return status.Usage("which rows? Give --all, or a range: --from, --to, --from-id, --to-id")
	}
	if r.Key != "" && cfg.Outbox.Key == "" {
		return status.Usage("--key: the rows have none (outbox.key)")
	}
	name := r.timeColumn(cfg)
	if name == "" {
		if !r.From.IsZero() || !r.To.IsZero() {
			return status.Usage("--from and --to need a column with the time of a row: give --time-column, or set outbox.timestamp")
		}
		return nil
	}
	return validateTime(name, cfg, t)
}

func (r *Range) timeColumn(cfg *config.Config) string {
	return Selection{TimeColumn: r.TimeColumn}.timeColumn(cfg)
}

// rows makes the query of the range.
func (r *Range) rows(cfg *config.Config, t *catalog.Table) rows {
	q := rows{table: t.From(wiring.Table(cfg))}
	column, id := r.timeColumn(cfg), postgres.Quote(cfg.Outbox.ID)
	where := func(left, operator, value string) {
		q.args = append(q.args, value)
		q.where = append(q.where, fmt.Sprintf("%s %s $%d", left, operator, len(q.args)))
	}
	for _, b := range []struct {
		at       time.Time
		operator string
	}{{r.From, ">="}, {r.To, "<"}} {
		if !b.at.IsZero() {
			where(postgres.Quote(column), b.operator, inUTC(b.at))
		}
	}
	if r.FromID != "" {
		where(id, ">=", r.FromID)
	}
	if r.ToID != "" {
		where(id, "<=", r.ToID)
	}
	if r.Key != "" {
		where(postgres.Quote(cfg.Outbox.Key)+"::text", "=", r.Key)
	}
	q.orderRows(cfg, t, column, r.FromID != "" || r.ToID != "")
	return q
}

// examineTable opens the transaction that Run reads in, and counts.
func (r *Replay) examineTable(ctx context.Context, plan *ReplayPlan) error {
	cfg := r.Config
	if err := needsTable(cfg, "--topic TOPIC publishes the records of a topic again"); err != nil {
		return err
	}
	t, err := readableTable(ctx, r.conn, cfg)
	if err != nil {
		return err
	}
	table := wiring.Table(cfg)
	if err := r.Rows.validate(cfg, t); err != nil {
		return err
	}
	// A person may think about the plan for longer than an idle transaction may last.
	for _, sql := range []string{"SET idle_in_transaction_session_timeout = 0", "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"} {
		if _, err := r.reader.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return postgres.Classify("begin a transaction", err)
		}
	}
	plan.query = r.Rows.rows(cfg, t)
	q := &plan.query
	plan.Source, plan.Order = "rows of "+table.String(), q.words
	if len(q.order) == 2 { // nothing but the place in the table
		plan.Warnings = append(plan.Warnings, "no column tells the order of the rows: they are published as they lie in the table; --time-column names a better order")
	}
	plan.Topics, plan.Most, plan.MoreTopics, err = countTopics(ctx, r.reader, cfg, q)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && strings.HasPrefix(pg.Code, "22") {
		return status.Usage("--from-id, --to-id: %s", pg.Message)
	}
	if r.ToTopic != "" {
		plan.Topics, plan.MoreTopics = []TopicRows{{Topic: r.ToTopic, Rows: plan.Most}}, 0
	}
	if err != nil || r.StampNow {
		return postgres.Classify("count rows of "+table.String(), err)
	}
	return newExpiry(cfg).table(ctx, r.reader, q, t, r.ToTopic)
}

// examineTopic finds the offsets to read.
func (r *Replay) examineTopic(ctx context.Context, plan *ReplayPlan) error {
	explain := func(err error) error { return wiring.Kafka(r.Config).Explain("look up topic "+r.Topic, err) }
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
		s, err := r.span(p)
		if _, gone := errors.AsType[*status.Halt](err); gone {
			return err
		}
		if err != nil {
			return explain(err)
		}
		if s.First < s.End {
			plan.Spans = append(plan.Spans, s)
			plan.Most += s.End - s.First
		}
	}
	plan.Source, plan.Order = "records of topic "+r.Topic, "offset, one partition after the other"
	plan.Topics = []TopicRows{{Topic: r.ToTopic, Rows: plan.Most}}
	if r.StampNow {
		return nil
	}
	return r.firstRecords(ctx, plan.Spans)
}

// firstRecords judges the first record of each span: most often it is the oldest, and
// what is refused is refused before anything is published.
func (r *Replay) firstRecords(ctx context.Context, spans []Span) error {
	expiry := newExpiry(r.Config)
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
		if err := expiry.record(ctx, r.ToTopic, first); err != nil {
			return err
		}
	}
	return nil
}

// span returns what is read of one partition. Times of records need not rise, so an upper
// time does not end it.
func (r *Replay) span(p int32) (Span, error) {
	oldest, begin, end, err := r.partition(p).Offsets(r.Records.From)
	if err != nil {
		return Span{}, err
	}
	s := Span{Partition: p, First: begin, End: end}
	if first := r.Records.FirstOffset; first >= 0 {
		if first < oldest {
			return Span{}, &status.Halt{
				Code: status.ExitRequirement, Reason: fmt.Sprintf("offset %d of topic %s, partition %d, is gone: the oldest is %d", first, r.Topic, p, oldest),
				Hint: "give --from-offset " + fmt.Sprint(oldest) + ", or leave it out",
			}
		}
		s.First = max(s.First, first)
	}
	if last := r.Records.LastOffset; last >= 0 {
		s.End = min(s.End, last+1)
	}
	return s, nil
}
