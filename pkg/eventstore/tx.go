package eventstore

import (
	"context"
	"database/sql"

	"github.com/walpost/walpost/pkg/outbox"
)

// Tx is the transaction that events are appended and loaded in. [TxFromSQL] and [TxFromPgx] make
// one; [Unchecked] and [UncheckedPgx] where nobody can check that it is open. No other
// package can implement it, so that it may grow.
type Tx interface {
	outbox.Tx
	// query runs a query. The rows are closed by who asked.
	query(ctx context.Context, query string, args ...any) (rows, error)
}

// rows are the answer to a query: *sql.Rows is one.
type rows interface {
	Next() bool
	Scan(into ...any) error
	Err() error
	Close() error
}

// Queryer is the part of database/sql that this package uses.
type Queryer interface {
	outbox.Execer
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// SQLTx is the part of *sql.Tx that this package uses. Pools and connections do not have
// it: an event appended there would be published whatever becomes of the data.
type SQLTx interface {
	Queryer
	Commit() error
	Rollback() error
}

// TxFromSQL makes a Tx of a transaction of database/sql.
func TxFromSQL(tx SQLTx) Tx { return Unchecked(tx) }

// Unchecked makes a Tx of whatever runs statements of database/sql, such as GORM's
// ConnPool or a *sql.Conn after BEGIN. Nobody checks that a transaction is open: see
// outbox.Unchecked.
func Unchecked(q Queryer) Tx { return sqlTx{outbox.Unchecked(q), q} }

type sqlTx struct {
	outbox.Tx

	queryer Queryer
}

func (t sqlTx) query(ctx context.Context, query string, args ...any) (rows, error) {
	answer, err := t.queryer.QueryContext(ctx, query, args...) //nolint:rowserrcheck // by who asked
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// PgxRows is the part of pgx.Rows that this package uses.
type PgxRows interface {
	Next() bool
	Scan(into ...any) error
	Err() error
	Close()
}

// PgxQueryer is the part of pgx that this package uses. T is pgconn.CommandTag, R is
// pgx.Rows.
type PgxQueryer[T outbox.CommandTag, R PgxRows] interface {
	outbox.PgxExecer[T]
	Query(ctx context.Context, sql string, args ...any) (R, error)
}

// PgxTx is the part of pgx.Tx that this package uses; pools and connections of pgx do
// not have it.
type PgxTx[T outbox.CommandTag, R PgxRows] interface {
	PgxQueryer[T, R]
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error
}

// TxFromPgx makes a Tx of a transaction of pgx. The types are inferred: TxFromPgx(tx).
func TxFromPgx[T outbox.CommandTag, R PgxRows](tx PgxTx[T, R]) Tx {
	return pgxTx[T, R]{outbox.TxFromPgx[T](tx), tx}
}

// UncheckedPgx is [Unchecked] for pgx: a *pgx.Conn after BEGIN.
func UncheckedPgx[T outbox.CommandTag, R PgxRows](q PgxQueryer[T, R]) Tx {
	return pgxTx[T, R]{outbox.UncheckedPgx[T](q), q}
}

type pgxTx[T outbox.CommandTag, R PgxRows] struct {
	outbox.Tx

	queryer PgxQueryer[T, R]
}

func (t pgxTx[T, R]) query(ctx context.Context, query string, args ...any) (rows, error) {
	answer, err := t.queryer.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgxRows[R]{answer}, nil
}

// pgxRows closes as database/sql does.
type pgxRows[R PgxRows] struct{ rows R }

func (r pgxRows[R]) Next() bool             { return r.rows.Next() }
func (r pgxRows[R]) Scan(into ...any) error { return r.rows.Scan(into...) }
func (r pgxRows[R]) Err() error             { return r.rows.Err() }

func (r pgxRows[R]) Close() error {
	r.rows.Close()
	return r.rows.Err()
}
