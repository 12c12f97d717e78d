// Package mistakes has the mistakes that lose or invent events, and that must not
// compile. A test compares the compiler's errors with the lines marked here.
package mistakes

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/walpost/walpost/pkg/eventstore"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/retention"
	"github.com/walpost/walpost/pkg/projection"
)

// An event that is written outside of a transaction is published though the data is
// rolled back.
func outsideOfATransaction(ctx context.Context, db *sql.DB, session *sql.Conn, conn *pgx.Conn, pool *pgxpool.Pool, acquired *pgxpool.Conn) {
	_ = outbox.Write(ctx, db)                         // must not compile
	_ = outbox.Write(ctx, session)                    // must not compile
	_ = outbox.Emit(ctx, db)                          // must not compile
	_ = outbox.Write(ctx, conn)                       // must not compile
	_ = outbox.Write(ctx, outbox.TxFromPgx(conn))     // must not compile
	_ = outbox.Write(ctx, outbox.TxFromPgx(pool))     // must not compile
	_ = outbox.Write(ctx, outbox.TxFromPgx(acquired)) // must not compile
	_ = eventstore.TxFromSQL(db)                      // must not compile
	_ = eventstore.TxFromSQL(session)                 // must not compile
	_ = eventstore.TxFromPgx(conn)                    // must not compile
	_ = eventstore.TxFromPgx(pool)                    // must not compile
}

// A single connection is used by many at once.
func noPool(tx *sql.Tx, session *sql.Conn, conn *pgx.Conn, pgxTx pgx.Tx) {
	_ = retention.SQL(tx)      // must not compile
	_ = retention.SQL(session) // must not compile
	_ = retention.Pgx(conn)    // must not compile
	_ = retention.Pgx(pgxTx)   // must not compile
	_ = inbox.SQL(session)     // must not compile
	_ = inbox.Pgx(conn)        // must not compile
	_ = projection.SQL(tx)     // must not compile
	_ = projection.Pgx(conn)   // must not compile
}

// A DB may have more fields later.
func fieldsWithoutNames(transact func(context.Context, func(*sql.Tx) error) error,
	exec func(context.Context, *sql.Tx, string, ...any) (int64, error),
	scan func(context.Context, *sql.Tx, []any, string, ...any) error,
) {
	_ = inbox.DB[*sql.Tx]{transact, exec, nil}            // must not compile
	_ = projection.DB[*sql.Tx]{inbox.DB[*sql.Tx]{}, scan} // must not compile
	_ = inbox.DB[*sql.Tx]{Transact: transact, Exec: exec}
	_ = projection.DB[*sql.Tx]{DB: inbox.SQL(nil), Scan: scan}
}

// What is right compiles.
func right(ctx context.Context, tx *sql.Tx, pgxTx pgx.Tx, poolTx *pgxpool.Tx, db *sql.DB, pool *pgxpool.Pool, session *sql.Conn, conn *pgx.Conn) {
	_ = outbox.Write(ctx, tx)
	_ = outbox.Emit(ctx, outbox.TxFromPgx(pgxTx))
	_ = outbox.Write(ctx, outbox.TxFromPgx(poolTx))
	_ = outbox.Write(ctx, outbox.Unchecked(session))
	_ = outbox.Write(ctx, outbox.UncheckedPgx(conn))
	_ = eventstore.TxFromSQL(tx)
	_ = eventstore.TxFromPgx(pgxTx)
	_ = eventstore.Unchecked(session)
	_ = eventstore.UncheckedPgx(conn)
	_ = retention.SQL(db)
	_ = retention.Pgx(pool)
	_ = inbox.SQL(db)
	_ = inbox.Pgx(pool)
	_ = projection.SQL(db)
	_ = projection.Pgx(pool)
}
