package outbox

import (
	"context"
	"database/sql"
)

// Tx is an open transaction: *sql.Tx, and what wraps one, such as sqlx.Tx and bun.Tx.
// For a transaction of pgx see [TxFromPgx].
//
// [Writer.Write] and [Writer.Emit] call ExecContext alone. Commit and Rollback are here
// so that the compiler refuses a pool and a bare connection, which commit each statement
// by itself: an event written there would be published whatever becomes of the data.
type Tx interface {
	Execer
	Commit() error
	Rollback() error
}

// Execer is the method of database/sql that runs a statement.
type Execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

var _ Tx = (*sql.Tx)(nil)

// Unchecked makes a Tx of whatever runs statements, for a transaction that the compiler
// cannot tell from a pool: GORM's ConnPool (db.Statement.ConnPool of the transaction's
// *gorm.DB), or a *sql.Conn after BEGIN. Nobody checks that a transaction is open. If
// none is, each call commits its events at once, and a rollback does not take them back.
func Unchecked(e Execer) Tx { return unchecked{e} }

// unchecked is a transaction that its owner ends, not this package.
type unchecked struct{ Execer }

func (unchecked) Commit() error   { return errOwner }
func (unchecked) Rollback() error { return errOwner }
