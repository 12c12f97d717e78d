package outboxtable

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/wiring"
)

// Query says which rows of the table are read, and in which order: as NewQuery returns
// it, all that are events, in any order.
type Query struct {
	cfg     *config.Config
	table   *catalog.Table
	where   []string
	args    []any // of where, as pgx writes them into a simple query
	orderBy []string
	order   []string // for people
}

// NewQuery returns a query over the table of a configuration.
func NewQuery(cfg *config.Config, t *catalog.Table) *Query {
	q := NewQueryOfAll(cfg, t)
	if filter := wiring.Columns(cfg).Filter; len(filter) > 0 {
		q.where = append(q.where, filter.Where(""))
	}
	return q
}

// NewQueryOfAll returns a query that has the rows too that are no events.
func NewQueryOfAll(cfg *config.Config, t *catalog.Table) *Query { return &Query{cfg: cfg, table: t} }

// Where keeps rows where an SQL expression compares so with a value.
func (q *Query) Where(expression, operator, value string) {
	q.args = append(q.args, value)
	q.where = append(q.where, fmt.Sprintf("%s %s $%d", expression, operator, len(q.args)))
}

// WhereNull keeps rows where an SQL expression is NULL.
func (q *Query) WhereNull(expression string) { q.where = append(q.where, expression+" IS NULL") }

// From keeps rows whose time is this or later.
func (q *Query) From(column string, at time.Time) { q.Where(pgname.Quote(column), ">=", inUTC(at)) }

// Until keeps rows of an earlier time.
func (q *Query) Until(column string, at time.Time) { q.Where(pgname.Quote(column), "<", inUTC(at)) }

// FromOrNull is From, and keeps rows without a time.
func (q *Query) FromOrNull(column string, at time.Time) { q.compareOrNull(column, ">=", at) }

// UntilOrNull is Until, and keeps rows without a time.
func (q *Query) UntilOrNull(column string, at time.Time) { q.compareOrNull(column, "<", at) }

func (q *Query) compareOrNull(column, operator string, at time.Time) {
	q.args = append(q.args, inUTC(at))
	q.where = append(q.where, fmt.Sprintf("(%s %s $%d OR %[1]s IS NULL)", pgname.Quote(column), operator, len(q.args)))
}

// inUTC writes a time for both types: a timestamp without time zone is read as UTC.
func inUTC(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05.999999Z") }

// Sort puts rows of a key in the order that the table can tell: by a time, where there is
// one, by the id where ids rise or byID says so, and by their place in the table.
func (q *Query) Sort(timeColumn string, byID bool) {
	q.orderBy, q.order = nil, nil
	if timeColumn != "" {
		q.orderBy = append(q.orderBy, pgname.Quote(timeColumn)+" NULLS LAST")
		q.order = append(q.order, timeColumn)
	}
	if id := q.cfg.Outbox.ID; byID || rises(q.table.Column(id)) {
		q.orderBy = append(q.orderBy, pgname.Quote(id))
		q.order = append(q.order, id)
	}
	q.orderBy = append(q.orderBy, "tableoid", "ctid")
}

// rises reports whether ids of this type are given out in order. A uuid is most often
// random.
func rises(c *catalog.TableColumn) bool {
	return c != nil && (c.TypeOID == pgtype.Int2OID || c.TypeOID == pgtype.Int4OID || c.TypeOID == pgtype.Int8OID)
}

// Sorted reports whether a column tells the order of the rows.
func (q *Query) Sorted() bool { return len(q.order) > 0 }

// CheckOrder returns Postgres' own error when it cannot order the rows as Sort says.
func (q *Query) CheckOrder(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SELECT"+q.from()+q.sorted()+" LIMIT 0", q.simple()...)
	return err
}

// sorted is the order of Sort in SQL.
func (q *Query) sorted() string {
	if len(q.orderBy) == 0 {
		return ""
	}
	return " ORDER BY " + strings.Join(q.orderBy, ", ")
}

// Order returns the order of Sort for people.
func (q *Query) Order() string {
	return strings.Join(append(slices.Clip(q.order), "place in the table"), ", ")
}

// from is the query behind the columns, without its order.
func (q *Query) from() string {
	sql := " FROM " + q.table.From(wiring.Table(q.cfg))
	if len(q.where) > 0 {
		sql += " WHERE " + strings.Join(q.where, " AND ")
	}
	return sql
}

// run asks for columns of the rows; rest follows the conditions.
func (q *Query) run(ctx context.Context, conn *pgx.Conn, columns, rest string) (pgx.Rows, error) {
	return conn.Query(ctx, "SELECT "+columns+q.from()+rest, q.simple()...)
}

// simple returns the arguments for a query of the simple protocol, whose results are
// texts.
func (q *Query) simple() []any { return append([]any{pgx.QueryExecModeSimpleProtocol}, q.args...) }

// InvalidValue returns what Postgres says of a value in a condition that the column's
// type does not take; "" when err is something else.
func InvalidValue(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && strings.HasPrefix(pg.Code, "22") {
		return pg.Message
	}
	return ""
}
