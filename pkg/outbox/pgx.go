package outbox

import (
	"context"
	"database/sql"
	"errors"
)

// CommandTag is the part of pgconn.CommandTag that this package uses.
type CommandTag interface{ RowsAffected() int64 }

// PgxTx is the part of pgx.Tx that this package uses; pools and connections of pgx do
// not have it. T is pgconn.CommandTag.
type PgxTx[T CommandTag] interface {
	PgxExecer[T]
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error
}

// PgxExecer is the method of pgx that runs a statement. T is pgconn.CommandTag.
type PgxExecer[T CommandTag] interface {
	Exec(ctx context.Context, sql string, args ...any) (T, error)
}

// TxFromPgx returns a Tx for a transaction of pgx. T is inferred: TxFromPgx(tx).
func TxFromPgx[T CommandTag](tx PgxTx[T]) Tx { return unchecked{pgxExecer[T]{tx}} }

// UncheckedPgx is [Unchecked] for pgx: a *pgx.Conn after BEGIN.
func UncheckedPgx[T CommandTag](e PgxExecer[T]) Tx { return unchecked{pgxExecer[T]{e}} }

// errOwner is the answer to a Commit that nobody should call.
var errOwner = errors.New("outbox: the service ends its transaction itself")

// pgxExecer runs statements of pgx as database/sql does.
type pgxExecer[T CommandTag] struct{ inner PgxExecer[T] }

func (e pgxExecer[T]) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	tag, err := e.inner.Exec(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return rowsAffected(tag.RowsAffected()), nil
}

// rowsAffected is the result of a statement, as database/sql has it.
type rowsAffected int64

// LastInsertId returns an error, since Postgres has no such id.
func (rowsAffected) LastInsertId() (int64, error) {
	return 0, errors.New("outbox: Postgres has no last insert id")
}

// RowsAffected returns the number of rows.
func (n rowsAffected) RowsAffected() (int64, error) { return int64(n), nil }
