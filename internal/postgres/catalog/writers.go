package catalog

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
)

// Writer is a transaction that has written and not ended: the making of a slot waits
// for it.
type Writer struct {
	Text string // which it is, in words
	Fix  string // the SQL that ends it
}

// oldestWriterQuery takes prepared transactions first: nobody is there to end them.
// The walsender that makes the slot has no transaction id of its own.
const oldestWriterQuery = `
SELECT kind, name, database, seconds FROM (
  SELECT 1, 'prepared', gid, database, extract(epoch FROM now() - prepared)::float8 FROM pg_prepared_xacts
  UNION ALL
  SELECT 2, 'running', pid::text, coalesce(datname, ''), coalesce(extract(epoch FROM now() - xact_start), 0)::float8
  FROM pg_stat_activity WHERE backend_xid IS NOT NULL
) AS w (rank, kind, name, database, seconds) ORDER BY rank, seconds DESC LIMIT 1`

// OldestWriter finds the transaction that CreateSlot most likely waits for; nil
// when none is writing.
func OldestWriter(ctx context.Context, conn *pgx.Conn) (*Writer, error) {
	var kind, name, database string
	var seconds float64
	err := conn.QueryRow(ctx, oldestWriterQuery, postgres.Once).Scan(&kind, &name, &database, &seconds)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // none is writing
	}
	if err != nil {
		return nil, postgres.Classify("look for open transactions", err)
	}
	age := time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
	if kind == "prepared" {
		gid := pgname.CommandLiteral(name)
		return &Writer{
			Text: "prepared transaction " + gid + " in database " + pgname.QuoteIfNeeded(database) + ", open for " + age,
			Fix:  "COMMIT PREPARED " + gid + " or ROLLBACK PREPARED " + gid,
		}, nil
	}
	return &Writer{
		Text: "the transaction of process " + name + " in database " + pgname.QuoteIfNeeded(database) + ", open for " + age,
		Fix:  "wait for it, or SELECT pg_terminate_backend(" + name + ")",
	}, nil
}
