package outboxtable

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
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

const (
	// maxTopics is how many topics a Count lists.
	maxTopics = 20
	// maxValues is how many values of the columns that name a topic are read where several
	// may name the same.
	maxValues = 10_000
)

// Count counts the rows, those of each topic apart. Its errors are Postgres' own.
func (q *Query) Count(ctx context.Context, conn *pgx.Conn) (c Count, err error) {
	limit := maxTopics
	if q.cfg.Outbox.TopicReplacer != nil {
		limit = maxValues
	}
	found, err := q.run(ctx, conn, q.topicValues(q.cfg.Outbox.Topic.Columns())+
		", count(*), (sum(count(*)) OVER ())::bigint, count(*) OVER ()", " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT "+strconv.Itoa(limit))
	if err != nil {
		return c, err
	}
	var values []string
	var n, topics int64
	places := map[string]int{}
	_, err = pgx.ForEachRow(found, []any{&values, &n, &c.Rows, &topics}, func() error {
		if c.add(places, TopicRows{Topic: q.cfg.Outbox.TopicOf(values...), Rows: n}) {
			topics--
		}
		return nil
	})
	slices.SortStableFunc(c.Topics, func(a, b TopicRows) int { return cmp.Compare(b.Rows, a.Rows) })
	c.Topics = c.Topics[:min(len(c.Topics), maxTopics)]
	c.MoreTopics = topics - int64(len(c.Topics))
	return c, err
}

// add adds rows, and reports whether their topic was in the list, in a place as it is noted.
func (c *Count) add(places map[string]int, rows TopicRows) bool {
	at, there := places[rows.Topic]
	if there {
		c.Topics[at].Rows += rows.Rows
		return true
	}
	places[rows.Topic] = len(c.Topics)
	c.Topics = append(c.Topics, rows)
	return false
}

// topicValues selects the columns that name the topic, as one array: as much of each as
// makes a difference.
func (q *Query) topicValues(columns []string) string {
	texts := make([]string, len(columns))
	for i, c := range columns {
		texts[i] = fmt.Sprintf("coalesce(pg_catalog.left(%s::text, %d), '')", pgname.Quote(c), q.cfg.Outbox.TopicLength())
	}
	return "ARRAY[" + strings.Join(texts, ", ") + "]::text[]"
}

// Oldest returns the time in outbox.timestamp of the oldest row of each topic, where that
// is before a time: of at most limit topics. With a topic in to, all rows are of that one.
// Its errors are Postgres' own.
func (q *Query) Oldest(ctx context.Context, conn *pgx.Conn, before time.Time, to string, limit int) (map[string]time.Time, error) {
	columns := q.cfg.Outbox.Topic.Columns()
	if to != "" {
		columns = nil
	}
	column := pgname.Quote(q.cfg.Outbox.Timestamp)
	stamp := "(extract(epoch FROM min(" + column + ") FILTER (WHERE isfinite(" + column + "))) * 1000)::bigint"
	found, err := q.run(ctx, conn, q.topicValues(columns)+", "+stamp,
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
			name = q.cfg.Outbox.TopicOf(values...)
		}
		if _, older := oldest[name]; !older && topicname.Valid(name) && (to != "" || q.cfg.CheckTopic(name) == nil) {
			oldest[name] = time.UnixMilli(ms)
		}
		return nil
	})
	return oldest, err
}
