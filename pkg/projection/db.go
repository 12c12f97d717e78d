package projection

import (
	"context"
	"database/sql"
	"fmt"
	"runtime/debug"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection/internal/table"
)

// DB runs transactions of one driver. [SQL] and [Pgx] make one. For another library
// set the fields of inbox.DB, and Scan. A literal has to name its fields: later
// versions can have more.
type DB[Tx any] struct {
	inbox.DB[Tx]

	// Scan runs a query that gives one row.
	Scan func(ctx context.Context, tx Tx, into []any, query string, args ...any) error

	_ struct{} // a literal without names does not compile
}

// SQL returns a DB for a pool of database/sql. Handlers get a *sql.Tx.
func SQL(db *sql.DB) DB[*sql.Tx] {
	return DB[*sql.Tx]{
		DB: inbox.SQL(db),
		Scan: func(ctx context.Context, tx *sql.Tx, into []any, query string, args ...any) error {
			return tx.QueryRowContext(ctx, query, args...).Scan(into...)
		},
	}
}

// Row is the part of pgx.Row that this package uses.
type Row interface{ Scan(into ...any) error }

// PgxTx is the part of pgx.Tx that this package uses. T is pgconn.CommandTag, R is pgx.Row.
type PgxTx[T inbox.CommandTag, R Row] interface {
	inbox.PgxTx[T]
	QueryRow(ctx context.Context, sql string, args ...any) R
}

// Pgx returns a DB for a pool of pgx. The types are inferred: Pgx(pool). Handlers get a
// pgx.Tx. The pool must give a connection for each partition, and for Rebuild one more.
//
// Behind PgBouncer in transaction mode set default_query_exec_mode=exec.
func Pgx[Tx PgxTx[T, R], T inbox.CommandTag, R Row, S inbox.PoolStat](pool inbox.PgxPool[Tx, S]) DB[Tx] {
	return DB[Tx]{
		DB: inbox.Pgx[Tx, T](pool),
		Scan: func(ctx context.Context, tx Tx, into []any, query string, args ...any) error {
			return tx.QueryRow(ctx, query, args...).Scan(into...)
		},
	}
}

// transaction is one that is open, whatever its type is.
type transaction interface {
	table.Tx
	handle(ctx context.Context, e *Event) error
}

// transactor begins transactions.
type transactor interface {
	// maxConns is how many transactions there can be at once; 0 if nobody knows.
	maxConns() int
	transact(ctx context.Context, do func(transaction) error) error
}

// unit is a transactor on a DB.
type unit[Tx any] struct {
	db     DB[Tx]
	handle Handler[Tx]
}

func (u *unit[Tx]) maxConns() int {
	if u.db.MaxConns == nil {
		return 0
	}
	return u.db.MaxConns()
}

func (u *unit[Tx]) transact(ctx context.Context, do func(transaction) error) error {
	return guarded("projection: DB", func() error {
		return u.db.Transact(ctx, func(tx Tx) error { return do(&open[Tx]{u, tx}) })
	})
}

// open is a transaction of a unit.
type open[Tx any] struct {
	unit *unit[Tx]
	tx   Tx
}

func (o *open[Tx]) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	return o.unit.db.Exec(ctx, o.tx, query, args...)
}

func (o *open[Tx]) Scan(ctx context.Context, into []any, query string, args ...any) error {
	return o.unit.db.Scan(ctx, o.tx, into, query, args...)
}

func (o *open[Tx]) handle(ctx context.Context, e *Event) error {
	return guarded("handler", func() error { return o.unit.handle(ctx, o.tx, e) })
}

// guarded keeps a panic of the caller's code from ending the process with transactions in
// hand: it ends Run as an error that does not pass.
func guarded(what string, do func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("%s: %w", what, &inbox.PanicError{Value: value, Stack: debug.Stack()})
		}
	}()
	return do()
}
