package recovery

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// Selection says which rows of the outbox table are meant: one of All, Since and
// AfterID.
type Selection struct {
	All     bool
	Since   time.Time // rows whose time is this or later, or NULL
	AfterID string    // rows whose id is greater, as the column's type compares
	// TimeColumn is the column that Since is compared with and that orders the
	// rows; "" is outbox.timestamp.
	TimeColumn string
}

func (s Selection) timeColumn(cfg *config.Config) string {
	if s.TimeColumn != "" {
		return s.TimeColumn
	}
	return cfg.Outbox.Timestamp
}

// String says it in words.
func (s Selection) String() string {
	switch {
	case !s.Since.IsZero():
		return "since " + s.Since.UTC().Format(time.RFC3339Nano)
	case s.AfterID != "":
		return "with an id after " + s.AfterID
	default:
		return "all"
	}
}

// validate judges the selection against the table.
func (s Selection) validate(cfg *config.Config, t *catalog.Table) error {
	chosen := 0
	for _, c := range []bool{s.All, !s.Since.IsZero(), s.AfterID != ""} {
		if c {
			chosen++
		}
	}
	if chosen != 1 {
		return status.Usage("which rows may be missing? Give one of --since, --after-id and --all")
	}
	name := s.timeColumn(cfg)
	if name == "" {
		if !s.Since.IsZero() {
			return status.Usage("--since needs a column with the time of a row: give --time-column, or set outbox.timestamp")
		}
		return nil
	}
	return validateTime(name, cfg, t)
}

func validateTime(name string, cfg *config.Config, t *catalog.Table) error {
	c := t.Column(name)
	switch {
	case c == nil:
		return status.Usage("%s has no column %q", wiring.Table(cfg), name)
	case c.TypeOID != pgtype.TimestampOID && c.TypeOID != pgtype.TimestamptzOID:
		return status.Usage("column %q of %s is of type %s, and a time is a timestamp or timestamptz", name, wiring.Table(cfg), c.Type)
	default:
		return nil
	}
}

// rows is a query over the table: its conditions with their arguments, as pgx
// writes them into a simple query.
type rows struct {
	table string // as it stands behind FROM: catalog.Table.From
	where []string
	args  []any
	order []string
	words string // the order, for people
}

// rows makes the query of the selection.
func (s Selection) rows(cfg *config.Config, t *catalog.Table) rows {
	q := rows{table: t.From(wiring.Table(cfg))}
	id, column := postgres.Quote(cfg.Outbox.ID), s.timeColumn(cfg)
	switch {
	case !s.Since.IsZero():
		q.after(postgres.Quote(column), s.Since)
	case s.AfterID != "":
		q.args = append(q.args, s.AfterID)
		q.where = append(q.where, id+" > $1")
	}
	q.orderRows(cfg, t, column, s.AfterID != "")
	return q
}

// orderRows puts rows of a key in the order that the table can tell.
func (q *rows) orderRows(cfg *config.Config, t *catalog.Table, column string, byID bool) {
	id := postgres.Quote(cfg.Outbox.ID)
	var words []string
	if column != "" {
		q.order = append(q.order, postgres.Quote(column)+" NULLS LAST")
		words = append(words, column)
	}
	if byID || rises(t.Column(cfg.Outbox.ID)) {
		q.order = append(q.order, id)
		words = append(words, cfg.Outbox.ID)
	}
	q.order = append(q.order, "tableoid", "ctid")
	q.words = strings.Join(append(words, "place in the table"), ", ")
}

// rises says that ids of this type are given out in order. A uuid is most often
// random.
func rises(c *catalog.TableColumn) bool {
	return c != nil && (c.TypeOID == pgtype.Int2OID || c.TypeOID == pgtype.Int4OID || c.TypeOID == pgtype.Int8OID)
}

// after keeps rows of that time or later. UTC serves both types: a timestamp
// without time zone is read as UTC (contract, section 3).
func (q *rows) after(column string, at time.Time) {
	q.compare(column, ">=", at)
}

// before keeps rows of an earlier time.
func (q *rows) before(column string, at time.Time) {
	q.compare(column, "<", at)
}

func (q *rows) compare(column, operator string, at time.Time) {
	q.args = append(q.args, inUTC(at))
	q.where = append(q.where, fmt.Sprintf("(%s %s $%d OR %[1]s IS NULL)", column, operator, len(q.args)))
}

func inUTC(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05.999999Z") }

// from is everything behind the columns.
func (q *rows) from() string {
	sql := " FROM " + q.table
	if len(q.where) > 0 {
		sql += " WHERE " + strings.Join(q.where, " AND ")
	}
	return sql
}

func (q *rows) orderBy() string {
	if len(q.order) == 0 {
		return ""
	}
	return " ORDER BY " + strings.Join(q.order, ", ")
}

// selectList selects columns, each with a second one: of a text of more than limit
// bytes, which is not sent, the second is its length, a blank and its beginning.
// For all others it is NULL.
func selectList(columns []string, limit int64) string {
	list := make([]string, 0, 2*len(columns))
	for _, c := range columns {
		c = postgres.Quote(c)
		length := "pg_catalog.octet_length(" + c + "::text)"
		list = append(list,
			fmt.Sprintf("CASE WHEN %s <= %d THEN %s END", length, limit, c),
			fmt.Sprintf("CASE WHEN %s > %d THEN %[1]s::text || ' ' || pg_catalog.left(%[3]s::text, 300) END", length, limit, c))
	}
	return strings.Join(list, ", ")
}

// longest is how long a column may be that is read as a whole: as in the stream.
func longest(cfg *config.Config) int64 { return 2*int64(cfg.Kafka.MaxMessageBytes) + 1<<20 }

// valuesOf makes the columns of a row from what selectList selects.
func valuesOf(row pgoutput.Tuple, texts [][]byte) (pgoutput.Tuple, error) {
	row = row[:0]
	for i := 0; i+1 < len(texts); i += 2 {
		value, long := texts[i], texts[i+1]
		switch {
		case value != nil:
			row = append(row, pgoutput.Value{Kind: pgoutput.Text, Data: value})
		case long == nil:
			row = append(row, pgoutput.Value{Kind: pgoutput.Null})
		default:
			length, head, _ := bytes.Cut(long, []byte(" "))
			n, err := strconv.ParseUint(string(length), 10, 32)
			if err != nil {
				return nil, fmt.Errorf("the length of a column: %w", err)
			}
			row = append(row, pgoutput.Value{Kind: pgoutput.Discarded, Size: uint32(n), Data: head})
		}
	}
	return row, nil
}
