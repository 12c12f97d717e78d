package catalog

import (
	"context"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
)

// CountRows counts the events in the outbox: before the slot exists these are not
// published, and `init` says how many there are. known is false when the role
// may not read the table, which it need not.
func CountRows(ctx context.Context, conn *pgx.Conn, table pgname.Table, filter Filter) (count int64, known bool, err error) {
	from, err := ReadFrom(ctx, conn, table)
	if err != nil {
		return 0, false, err
	}
	if err = conn.QueryRow(ctx, "SELECT count(*) FROM "+from+filter.and("WHERE", "")).Scan(&count); err != nil {
		err = postgres.Classify("count rows of "+table.String(), err)
		if postgres.Unreadable(err) {
			return 0, false, nil
		}
		return 0, false, err
	}
	return count, true, nil
}

// maxDistinct bounds what DistinctValues reads: a template over an id would
// otherwise fill the memory, and make as many topics.
const maxDistinct = 10_000

// DistinctValues returns each combination of the columns' text that an event in the
// table has, without NULL, for the topics that `init` creates; at most 10,000. Of each text
// it returns so many characters. known is false when the role may not read the table.
func DistinctValues(ctx context.Context, conn *pgx.Conn, table pgname.Table,
	columns []string, length int, filter Filter,
) (values [][]string, known bool, err error) {
	if len(columns) == 0 {
		return nil, true, nil
	}
	var texts, notNull []string
	for _, c := range columns {
		texts = append(texts, "pg_catalog.left("+pgname.Quote(c)+"::text, "+strconv.Itoa(length)+")")
		notNull = append(notNull, pgname.Quote(c)+" IS NOT NULL")
	}
	from, err := ReadFrom(ctx, conn, table)
	if err != nil {
		return nil, false, err
	}
	sql := "SELECT DISTINCT ARRAY[" + strings.Join(texts, ", ") + "] FROM " + from +
		" WHERE " + strings.Join(notNull, " AND ") + filter.and("AND", "") + " ORDER BY 1 LIMIT $1"
	rows, err := conn.Query(ctx, sql, maxDistinct)
	if err == nil {
		values, err = pgx.CollectRows(rows, pgx.RowTo[[]string])
	}
	if err != nil {
		err = postgres.Classify("read topic columns of "+table.String(), err)
		if postgres.Unreadable(err) {
			return nil, false, nil
		}
		return nil, false, err
	}
	return values, true, nil
}
