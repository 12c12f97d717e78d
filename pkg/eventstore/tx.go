package eventstore

import (
	"context"
	"database/sql"

	"github.com/walpost/walpost/pkg/outbox"
)

// Tx is the transaction that events are appended and loaded in. [SQL] and [Pgx] make
// one.
type Tx interface {
	outbox.Execer
	// Query runs a query. The rows are closed by who asked.
	Query(ctx context.Context, query string, args ...any) (Rows, error)
}

// Rows are the answer to a query: *sql.Rows is one.
type Rows interface {
	Next() bool
	Scan(into ...any) error
	Err() error
	Close() error
}

// SQLTx is the part of *sql.Tx that this package uses; *sql.Conn has it too.
type SQLTx interface {
	outbox.Execer
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// SQL makes a Tx of a transaction of database/sql.
func SQL(tx SQLTx) Tx { return sqlTx{tx} }

type sqlTx struct{ SQLTx }

func (t sqlTx) Query(ctx context.Context, query string, args ...any) (Rows, error) {
	rows, err := t.QueryContext(ctx, query, args...) //nolint:rowserrcheck // by who asked
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// PgxRows is the part of pgx.Rows that this package uses.
type PgxRows interface {
	Next() bool
	Scan(into ...any) error
	Err() error
	Close()
}

// PgxTx is the part of pgx.Tx that this package uses. T is pgconn.CommandTag, R is pgx.Rows.
type PgxTx[T outbox.CommandTag, R PgxRows] interface {
	outbox.PgxExecer[T]
	Query(ctx context.Context, sql string, args ...any) (R, error)
}

// Pgx makes a Tx of a transaction of pgx. The types are inferred: Pgx(tx).
func Pgx[T outbox.CommandTag, R PgxRows](tx PgxTx[T, R]) Tx {
	return pgxTx[T, R]{outbox.Pgx[T](tx), tx}
}

type pgxTx[T outbox.CommandTag, R PgxRows] struct {
	outbox.Execer

	tx PgxTx[T, R]
}

func (t pgxTx[T, R]) Query(ctx context.Context, query string, args ...any) (Rows, error) {
	rows, err := t.tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgxRows[R]{rows}, nil
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
