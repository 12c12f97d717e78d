package outbox

import (
	"context"
	"database/sql"
	"errors"
)

// Execer is the transaction that events are written in: *sql.Tx, *sql.Conn,
// GORM's ConnPool, and whatever else has the method of database/sql. For pgx see
// [Pgx]. Give a transaction, not a pool: outside of one the events are committed
// at once, whatever becomes of your data.
type Execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// DB is what [Outbox.Prune] and the partition methods work with: *sql.DB or
// *sql.Conn. A pgxpool.Pool becomes one by stdlib.OpenDBFromPool(pool), of
// github.com/jackc/pgx/v5/stdlib.
type DB interface {
	Execer
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
}

var (
	_ Execer = (*sql.Tx)(nil)
	_ DB     = (*sql.DB)(nil)
	_ DB     = (*sql.Conn)(nil)
)

// CommandTag is the part of pgconn.CommandTag that this package uses.
type CommandTag interface{ RowsAffected() int64 }

// PgxExecer is the Exec method of pgx.Tx, *pgx.Conn, *pgxpool.Tx, and of what
// wraps them. T is pgconn.CommandTag.
type PgxExecer[T CommandTag] interface {
	Exec(ctx context.Context, sql string, args ...any) (T, error)
}

// Pgx makes an Execer of a transaction of pgx. T is inferred: Pgx(tx). It works in
// every query mode of pgx, with PgBouncer too.
func Pgx[T CommandTag](tx PgxExecer[T]) Execer { return pgxExecer[T]{tx} }

type pgxExecer[T CommandTag] struct{ tx PgxExecer[T] }

func (e pgxExecer[T]) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	tag, err := e.tx.Exec(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return rowsAffected(tag.RowsAffected()), nil
}

type rowsAffected int64

func (rowsAffected) LastInsertId() (int64, error) {
	return 0, errors.New("outbox: Postgres has no last insert id")
}

func (n rowsAffected) RowsAffected() (int64, error) { return int64(n), nil }
