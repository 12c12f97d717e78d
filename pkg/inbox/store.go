package inbox

import (
	"context"
	"database/sql"
	"time"
)

// Store runs transactions of one driver. [SQL] and [Pgx] make one; for another
// library write one: three lines with GORM's DB.Transaction. No method will be added: what
// a later version can use besides, it looks for and does without.
type Store[Tx any] interface {
	// Transact begins a transaction, calls do, commits when do returns nil, and else
	// rolls back and returns do's error. It calls do at most once. ctx ends the
	// transaction. When do panics it rolls back.
	Transact(ctx context.Context, do func(Tx) error) error
	// Exec runs one statement in the transaction and says how many rows it affected.
	Exec(ctx context.Context, tx Tx, query string, args ...any) (int64, error)
}

// SQL returns a Store for a pool of database/sql. Handlers get a *sql.Tx.
func SQL(db *sql.DB) Store[*sql.Tx] { return sqlStore{db} }

type sqlStore struct{ db *sql.DB }

func (s sqlStore) maxConns() int { return s.db.Stats().MaxOpenConnections }

func (s sqlStore) Transact(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit; an error of do says more
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (sqlStore) Exec(ctx context.Context, tx *sql.Tx, query string, args ...any) (int64, error) {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
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

// limited is a Store that knows how many transactions it can have at once; 0: no limit.
type limited interface{ maxConns() int }

// Pgx returns a Store for a pool of pgx. Both types are inferred: Pgx(pool). Handlers get
// a pgx.Tx. A single *pgx.Conn will not do: partitions are processed at the same time.
// Behind PgBouncer in transaction mode set default_query_exec_mode=exec.
func Pgx[Tx PgxTx[T], T CommandTag, S PoolStat](pool PgxPool[Tx, S]) Store[Tx] {
	return pgxStore[Tx, T, S]{pool}
}

type pgxStore[Tx PgxTx[T], T CommandTag, S PoolStat] struct{ pool PgxPool[Tx, S] }

func (s pgxStore[Tx, T, S]) maxConns() int { return int(s.pool.Stat().MaxConns()) }

func (s pgxStore[Tx, T, S]) Transact(ctx context.Context, do func(Tx) error) error {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { // as for database/sql
		const patience = 5 * time.Second // ctx may have ended; a connection that is well goes back to its pool all the same
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		_ = tx.Rollback(ctx)
	}()
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

func (pgxStore[Tx, T, S]) Exec(ctx context.Context, tx Tx, query string, args ...any) (int64, error) {
	tag, err := tx.Exec(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return tag.RowsAffected(), nil
}
