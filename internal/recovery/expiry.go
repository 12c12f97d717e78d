package recovery

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/topicname"
	"github.com/walpost/walpost/internal/wiring"
)

// expiry refuses records that their topic would not keep: retention.ms counts from a
// record's own time, so Kafka deletes an old one minutes after it has acknowledged it.
type expiry struct {
	cfg   *config.Config
	keeps map[string]time.Duration // by topic; 0: for ever, or not known
}

const (
	// young is an age that no topic is asked about: the relay itself may be that late.
	young = time.Minute
	// topicsJudged bounds the topics that are remembered, and those of a plan.
	topicsJudged = 1000
)

func newExpiry(cfg *config.Config) *expiry {
	return &expiry{cfg: cfg, keeps: map[string]time.Duration{}}
}

// record judges one record.
func (e *expiry) record(ctx context.Context, topic string, stamp time.Time) error {
	age := time.Since(stamp)
	if age < young {
		return nil
	}
	keeps, known := e.keeps[topic]
	if !known {
		if err := e.look(ctx, topic); err != nil {
			return err
		}
		keeps = e.keeps[topic]
	}
	if keeps == 0 || age < keeps {
		return nil
	}
	return &status.Halt{
		Code:   status.ExitRequirement,
		Reason: fmt.Sprintf("a record would be older than topic %s keeps records", topic),
		Detail: fmt.Sprintf("its time is %s and retention.ms is %d (%v): Kafka would delete it soon after it has acknowledged it",
			stamp.UTC().Format(time.RFC3339), keeps.Milliseconds(), keeps),
		Hint: "give --timestamp now for the time of publishing, choose newer rows, or raise retention.ms of the topic",
	}
}

// look asks for the retention of topics. One that is still to be made gets what the
// cluster says it would have.
func (e *expiry) look(ctx context.Context, names ...string) error {
	client, err := topics.OpenAdmin(ctx, wiring.Kafka(e.cfg))
	if err != nil {
		return err
	}
	defer client.Close()
	found, err := client.Describe(ctx, names...)
	if err != nil {
		return err
	}
	if len(e.keeps)+len(found) > topicsJudged {
		clear(e.keeps)
	}
	for i := range found {
		t := &found[i]
		if !t.Exists && t.Err == nil && e.cfg.Kafka.Topics.Create {
			if *t, err = client.Foresee(ctx, wiring.TopicSpec(e.cfg, t.Name)); err != nil {
				return err
			}
		}
		keeps, counts := t.Keeps()
		if counts {
			keeps = max(keeps, 1)
		}
		e.keeps[t.Name] = keeps
	}
	return nil
}

// table judges the oldest row of each topic, or of all where to is given.
func (e *expiry) table(ctx context.Context, conn *pgx.Conn, q *rows, t *catalog.Table, to string) error {
	name := e.cfg.Outbox.Timestamp
	if usable := name != "" && validateTime(name, e.cfg, t) == nil; !usable { // the router words the latter
		return nil
	}
	oldest, err := e.oldest(ctx, conn, q, to)
	if err != nil || len(oldest) == 0 {
		return postgres.Classify("look for the oldest row of "+wiring.Table(e.cfg).String(), err)
	}
	topics := slices.Sorted(maps.Keys(oldest))
	if err := e.look(ctx, topics...); err != nil {
		return err
	}
	for _, topic := range topics {
		if err := e.record(ctx, topic, oldest[topic]); err != nil {
			return err
		}
	}
	return nil
}

// oldest finds the time of the oldest row of each topic, where that is not young.
func (e *expiry) oldest(ctx context.Context, conn *pgx.Conn, q *rows, to string) (map[string]time.Time, error) {
	columns := e.cfg.Outbox.Topic.Columns()
	if to != "" {
		columns = nil
	}
	column := postgres.Quote(e.cfg.Outbox.Timestamp)
	stamp := "(extract(epoch FROM min(" + column + ") FILTER (WHERE isfinite(" + column + "))) * 1000)::bigint"
	sql := "SELECT " + topicValues(columns) + ", " + stamp + q.from() +
		fmt.Sprintf(" GROUP BY 1 HAVING %s < %d ORDER BY 2 LIMIT %d", stamp, time.Now().Add(-young).UnixMilli(), topicsJudged)
	found, err := conn.Query(ctx, sql, append([]any{pgx.QueryExecModeSimpleProtocol}, q.args...)...)
	if err != nil {
		return nil, err
	}
	oldest := map[string]time.Time{}
	var values []string
	var ms int64
	_, err = pgx.ForEachRow(found, []any{&values, &ms}, func() error {
		topic := to
		if to == "" {
			topic = e.cfg.Outbox.Topic.Render(values...)
		}
		if topicname.Valid(topic) {
			oldest[topic] = time.UnixMilli(ms)
		}
		return nil
	})
	return oldest, err
}
