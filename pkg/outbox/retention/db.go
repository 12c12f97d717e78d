package retention

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/walpost/walpost/pkg/outbox"
)

// DB is a pool of connections. [SQL] and [Pgx] make one. The zero DB is of no use.
type DB struct {
	begin func(ctx context.Context) (tx, error)
	row   func(ctx context.Context, query string, args ...any) Row
}

// tx is an open transaction of either driver.
type tx interface {
	exec(ctx context.Context, query string, args ...any) (rows int64, err error)
	// queryRow reads the row of a query that gives one.
	queryRow(ctx context.Context, into []any, query string, args ...any) error
	commit(ctx context.Context) error
	rollback(ctx context.Context) error
}

// SQL makes a DB of a pool of database/sql.
func SQL(db *sql.DB) DB {
	return DB{
		begin: func(ctx context.Context) (tx, error) {
			t, err := db.BeginTx(ctx, nil)
			return sqlTx{t}, err
		},
		row: func(ctx context.Context, query string, args ...any) Row {
			return db.QueryRowContext(ctx, query, args...)
		},
	}
}

type sqlTx struct{ tx *sql.Tx }

func (t sqlTx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := t.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (t sqlTx) queryRow(ctx context.Context, into []any, query string, args ...any) error {
	return t.tx.QueryRowContext(ctx, query, args...).Scan(into...)
}

func (t sqlTx) commit(context.Context) error   { return t.tx.Commit() }
func (t sqlTx) rollback(context.Context) error { return t.tx.Rollback() }

// Row is the part of pgx.Row that this package uses.
type Row interface{ Scan(into ...any) error }

// PgxTx is the part of pgx.Tx that this package uses. T is pgconn.CommandTag, R is
// pgx.Row.
type PgxTx[T outbox.CommandTag, R Row] interface {
	outbox.PgxTx[T]
	QueryRow(ctx context.Context, sql string, args ...any) R
}

// PgxPool is the part of *pgxpool.Pool that this package uses. Tx is pgx.Tx, R is
// pgx.Row.
type PgxPool[Tx any, R Row] interface {
	Begin(ctx context.Context) (Tx, error)
	QueryRow(ctx context.Context, sql string, args ...any) R
	Reset() // a pool has it, and a single connection has not
}

// Pgx makes a DB of a pool of pgx. The types are inferred: Pgx(pool).
func Pgx[Tx PgxTx[T, R], T outbox.CommandTag, R Row](pool PgxPool[Tx, R]) DB {
	return DB{
		begin: func(ctx context.Context) (tx, error) {
			t, err := pool.Begin(ctx)
			if err != nil {
				return nil, err
			}
			return pgxTx[T, R]{t}, nil
		},
		row: func(ctx context.Context, query string, args ...any) Row { return pool.QueryRow(ctx, query, args...) },
	}
}

type pgxTx[T outbox.CommandTag, R Row] struct{ tx PgxTx[T, R] }

func (t pgxTx[T, R]) exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := t.tx.Exec(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return tag.RowsAffected(), nil
}

func (t pgxTx[T, R]) queryRow(ctx context.Context, into []any, query string, args ...any) error {
	return t.tx.QueryRow(ctx, query, args...).Scan(into...)
}

func (t pgxTx[T, R]) commit(ctx context.Context) error   { return t.tx.Commit(ctx) }
func (t pgxTx[T, R]) rollback(ctx context.Context) error { return t.tx.Rollback(ctx) }

// transact runs do in a transaction, which is rolled back when do fails. It sees what
// others commit meanwhile, whatever the database's default is. When the context has
// ended it returns the context's cause: not every driver wraps it.
func (db DB) transact(ctx context.Context, do func(tx) error) (err error) {
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	}()
	t, err := db.begin(ctx)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
	if err == nil {
		err = do(t)
	}
	if err == nil {
		return t.commit(ctx)
	}
	const rollbackTimeout = 5 * time.Second // ctx may have ended; the connection goes back to its pool all the same
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	if failed := t.rollback(end); failed != nil && !errors.Is(failed, sql.ErrTxDone) {
		return errors.Join(err, failed)
	}
	return err
}

// queryRow reads one row outside of a transaction. When the context has ended it returns
// the context's cause.
func (db DB) queryRow(ctx context.Context, into []any, query string, args ...any) error {
	err := db.row(ctx, query, args...).Scan(into...)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func execAll(ctx context.Context, t tx, statements ...string) error {
	for _, query := range statements {
		if _, err := t.exec(ctx, query); err != nil {
			return err
		}
	}
	return nil
}
