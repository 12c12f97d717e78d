package inbox

import (
	"context"
	"database/sql"
	"time"
)

// DB runs transactions of one driver. [SQL] and [Pgx] make one. For another library set
// Transact and Exec: three lines with GORM's DB.Transaction. A literal has to name its
// fields: later versions can have more, each with a default.
type DB[Tx any] struct {
	// Transact begins a transaction, calls do, commits when do returns nil, and else
	// rolls back and returns do's error. It calls do at most once. ctx ends the
	// transaction. When do panics it rolls back.
	Transact func(ctx context.Context, do func(Tx) error) error
	// Exec runs one statement in the transaction and returns how many rows it affected.
	Exec func(ctx context.Context, tx Tx, query string, args ...any) (int64, error)
	// MaxConns returns how many transactions there can be at a time; 0, or nil: no limit.
	MaxConns func() int

	_ struct{} // a literal without names does not compile
}

// SQL returns a DB for a pool of database/sql. Handlers get a *sql.Tx.
func SQL(db *sql.DB) DB[*sql.Tx] {
	return DB[*sql.Tx]{
		Transact: func(ctx context.Context, do func(*sql.Tx) error) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer func() { _ = tx.Rollback() }() // does nothing after the commit; an error of do says more
			if err := do(tx); err != nil {
				return err
			}
			return tx.Commit()
		},
		Exec: func(ctx context.Context, tx *sql.Tx, query string, args ...any) (int64, error) {
			result, err := tx.ExecContext(ctx, query, args...)
			if err != nil {
				return 0, err
			}
			return result.RowsAffected()
		},
		MaxConns: func() int { return db.Stats().MaxOpenConnections },
	}
}

// CommandTag is the part of pgconn.CommandTag that this package uses.
type CommandTag interface{ RowsAffected() int64 }

// PgxTx is the part of pgx.Tx that this package uses. T is pgconn.CommandTag.
type PgxTx[T CommandTag] interface {
	Exec(ctx context.Context, sql string, args ...any) (T, error)
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error
}

// PgxPool is the part of *pgxpool.Pool that this package uses. Tx is pgx.Tx, S is
// *pgxpool.Stat.
type PgxPool[Tx any, S PoolStat] interface {
	Begin(ctx context.Context) (Tx, error)
	Stat() S // a pool has it, and a single connection has not
}

// PoolStat is the part of *pgxpool.Stat that this package uses.
type PoolStat interface{ MaxConns() int32 }

// Pgx returns a DB for a pool of pgx. Both types are inferred: Pgx(pool). Handlers get
// a pgx.Tx. A single *pgx.Conn will not do: partitions are processed at the same time.
// Behind PgBouncer in transaction mode set default_query_exec_mode=exec.
func Pgx[Tx PgxTx[T], T CommandTag, S PoolStat](pool PgxPool[Tx, S]) DB[Tx] {
	return DB[Tx]{
		Transact: func(ctx context.Context, do func(Tx) error) error {
			tx, err := pool.Begin(ctx)
			if err != nil {
				return err
			}
			committed := false
			defer func() { // as for database/sql
				if committed {
					return
				}
				const patience = 5 * time.Second // ctx may have ended; a connection that is well goes back to its pool all the same
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
				defer cancel()
				_ = tx.Rollback(ctx)
			}()
			if err := do(tx); err != nil {
				return err
			}
			err = tx.Commit(ctx)
			committed = err == nil
			return err
		},
		Exec: func(ctx context.Context, tx Tx, query string, args ...any) (int64, error) {
			tag, err := tx.Exec(ctx, query, args...)
			if err != nil {
				return 0, err
			}
			return tag.RowsAffected(), nil
		},
		MaxConns: func() int { return int(pool.Stat().MaxConns()) },
	}
}
