package service

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx of database/sql
	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the driver postgres of database/sql
	"github.com/walpost/walpost/pkg/eventstore"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/retention"
	"github.com/walpost/walpost/pkg/projection"
	gormpostgres "gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// conns is how many connections each pool may have.
const conns = 6

// pgxURL is the database for pgx. Where PgBouncer keeps no prepared statements it needs the
// setting of docs/outbox.md.
func pgxURL(db database) string {
	if *pooler == "" || *prepares {
		return db.url
	}
	return db.url + "&default_query_exec_mode=exec"
}

func openSQL(t *testing.T, driver, url string) *sql.DB {
	t.Helper()
	pool, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(conns)
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

func openPgx(t *testing.T, db database) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), fmt.Sprintf("%s&pool_max_conns=%d", pgxURL(db), conns))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// gormDB runs transactions of GORM.
func gormDB(db *gorm.DB) inbox.DB[*gorm.DB] {
	return inbox.DB[*gorm.DB]{
		Transact: func(ctx context.Context, do func(*gorm.DB) error) error { return db.WithContext(ctx).Transaction(do) },
		Exec: func(ctx context.Context, tx *gorm.DB, query string, args ...any) (int64, error) {
			result := tx.WithContext(ctx).Exec(query, args...)
			return result.RowsAffected, result.Error
		},
	}
}

// sqlxDB runs transactions of sqlx.
func sqlxDB(db *sqlx.DB) inbox.DB[*sqlx.Tx] {
	return inbox.DB[*sqlx.Tx]{
		Transact: func(ctx context.Context, do func(*sqlx.Tx) error) error {
			tx, err := db.BeginTxx(ctx, nil)
			if err != nil {
				return err
			}
			defer func() { _ = tx.Rollback() }()
			if err := do(tx); err != nil {
				return err
			}
			return tx.Commit()
		},
		Exec: func(ctx context.Context, tx *sqlx.Tx, query string, args ...any) (int64, error) {
			result, err := tx.ExecContext(ctx, query, args...)
			if err != nil {
				return 0, err
			}
			return result.RowsAffected()
		},
		MaxConns: func() int { return db.Stats().MaxOpenConnections },
	}
}

func TestPQ(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	pool := openSQL(t, "postgres", db.url)
	s := service[*sql.Tx]{
		db: db, pool: inbox.SQL(pool),
		outbox: func(tx *sql.Tx) outbox.Tx { return tx },
		events: func(tx *sql.Tx) eventstore.Tx { return eventstore.TxFromSQL(tx) },
	}
	s.test(t)
	t.Run("projection", func(t *testing.T) { projected(t, db, projection.SQL(pool)) })
	t.Run("retention", func(t *testing.T) { pruned(t, db, retention.SQL(pool)) })
}

func TestStdlib(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	pool := openSQL(t, "pgx", pgxURL(db))
	s := service[*sql.Tx]{
		db: db, pool: inbox.SQL(pool),
		outbox: func(tx *sql.Tx) outbox.Tx { return tx },
		events: func(tx *sql.Tx) eventstore.Tx { return eventstore.TxFromSQL(tx) },
	}
	s.test(t)
	t.Run("projection", func(t *testing.T) { projected(t, db, projection.SQL(pool)) })
	t.Run("retention", func(t *testing.T) { pruned(t, db, retention.SQL(pool)) })
}

func TestPgx(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	pool := openPgx(t, db)
	s := service[pgx.Tx]{
		db: db, pool: inbox.Pgx(pool),
		outbox: func(tx pgx.Tx) outbox.Tx { return outbox.TxFromPgx(tx) },
		events: func(tx pgx.Tx) eventstore.Tx { return eventstore.TxFromPgx(tx) },
	}
	s.test(t)
	t.Run("projection", func(t *testing.T) { projected(t, db, projection.Pgx(pool)) })
	t.Run("retention", func(t *testing.T) { pruned(t, db, retention.Pgx(pool)) })
}

func TestSqlx(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	pool := sqlx.NewDb(openSQL(t, "postgres", db.url), "postgres")
	s := service[*sqlx.Tx]{
		db: db, pool: sqlxDB(pool),
		outbox: func(tx *sqlx.Tx) outbox.Tx { return tx },
		events: func(tx *sqlx.Tx) eventstore.Tx { return eventstore.TxFromSQL(tx) },
	}
	s.test(t)
}

func TestGORM(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	pool, err := gorm.Open(gormpostgres.New(gormpostgres.Config{Conn: openSQL(t, "pgx", pgxURL(db))}), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	s := service[*gorm.DB]{
		db: db, pool: gormDB(pool),
		outbox: func(tx *gorm.DB) outbox.Tx { return outbox.Unchecked(tx.Statement.ConnPool) },
		events: func(tx *gorm.DB) eventstore.Tx { return eventstore.Unchecked(tx.Statement.ConnPool) },
	}
	s.test(t)
}
