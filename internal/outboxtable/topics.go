package outboxtable

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/topicname"
)

// Count is how many rows there are.
type Count struct {
	Rows       int64
	Topics     []TopicRows // those with the highest number of rows first
	MoreTopics int64       // topics that are not in the list
}

// TopicRows is how many of the rows go to a topic.
type TopicRows struct {
	Topic string
	Rows  int64
}

// maxTopics is how many topics a Count lists.
const maxTopics = 20

// Count counts the rows, those of each topic apart. Its errors are Postgres' own.
func (q *Query) Count(ctx context.Context, conn *pgx.Conn) (c Count, err error) {
	topic := q.cfg.Outbox.Topic
	found, err := q.run(ctx, conn, topicValues(topic.Columns())+", count(*), (sum(count(*)) OVER ())::bigint, count(*) OVER ()",
		" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT "+fmt.Sprint(maxTopics))
	if err != nil {
		return c, err
	}
	var values []string
	var n, topics int64
	_, err = pgx.ForEachRow(found, []any{&values, &n, &c.Rows, &topics}, func() error {
		c.Topics = append(c.Topics, TopicRows{Topic: topic.Render(values...), Rows: n})
		return nil
	})
	c.MoreTopics = topics - int64(len(c.Topics))
	return c, err
}

// topicValues selects the columns that name the topic, as one array.
func topicValues(columns []string) string {
	texts := make([]string, len(columns))
	for i, c := range columns {
		texts[i] = "coalesce(pg_catalog.left(" + pgname.Quote(c) + "::text, 300), '')" // a topic's name has 249 characters
	}
	return "ARRAY[" + strings.Join(texts, ", ") + "]::text[]"
}

// Oldest returns the time in outbox.timestamp of the oldest row of each topic, where that
// is before a time: of at most limit topics. With a topic in to, all rows are of that one.
// Its errors are Postgres' own.
func (q *Query) Oldest(ctx context.Context, conn *pgx.Conn, before time.Time, to string, limit int) (map[string]time.Time, error) {
	topic := q.cfg.Outbox.Topic
	columns := topic.Columns()
	if to != "" {
		columns = nil
	}
	column := pgname.Quote(q.cfg.Outbox.Timestamp)
	stamp := "(extract(epoch FROM min(" + column + ") FILTER (WHERE isfinite(" + column + "))) * 1000)::bigint"
	found, err := q.run(ctx, conn, topicValues(columns)+", "+stamp,
		fmt.Sprintf(" GROUP BY 1 HAVING %s < %d ORDER BY 2 LIMIT %d", stamp, before.UnixMilli(), limit))
	if err != nil {
		return nil, err
	}
	oldest := map[string]time.Time{}
	var values []string
	var ms int64
	_, err = pgx.ForEachRow(found, []any{&values, &ms}, func() error {
		name := to
		if to == "" {
			name = topic.Render(values...)
		}
		if topicname.Valid(name) && (to != "" || q.cfg.CheckTopic(name) == nil) {
			oldest[name] = time.UnixMilli(ms)
		}
		return nil
	})
	return oldest, err
}
