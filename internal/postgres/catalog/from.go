package catalog

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
)

// From is what stands behind FROM in every statement that reads or deletes rows of the
// outbox. Of a plain table it says ONLY: without it Postgres adds the rows of tables
// that inherit from it, which it publishes under another name or not at all.
func (t *Table) From(name pgname.Table) string { return from(name, t.Kind) }

func from(name pgname.Table, relkind string) string {
	if relkind == partitioned {
		return name.Quoted()
	}
	return "ONLY " + name.Quoted()
}

// partitioned is the pg_class.relkind of a table whose rows are in partitions.
const partitioned = "p"

// ReadFrom is From of a table that was not looked at yet. Of one that does not exist the
// statement says so itself.
func ReadFrom(ctx context.Context, conn *pgx.Conn, name pgname.Table) (string, error) {
	var relkind string
	err := conn.QueryRow(ctx, `SELECT c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2`, postgres.Once, name.Schema, name.Name).Scan(&relkind)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", postgres.Classify("read table "+name.String(), err)
	}
	return from(name, relkind), nil
}
