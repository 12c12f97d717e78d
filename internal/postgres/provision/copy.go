package provision

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
)

// CopySlot creates a slot that streams from where another one does. Postgres cannot
// rename a slot. The copy is no failover slot.
func CopySlot(ctx context.Context, conn *pgx.Conn, from, to string) error {
	_, err := conn.Exec(ctx, "SELECT pg_copy_logical_replication_slot($1, $2)", from, to)
	return postgres.Classify("copy slot "+from, err)
}

// MakeFailover makes the slot a failover slot, over a replication connection. It needs
// Postgres 17.
func MakeFailover(ctx context.Context, conn *pgconn.PgConn, slot string) error {
	_, err := conn.Exec(ctx, "ALTER_REPLICATION_SLOT "+pgname.Quote(slot)+" (FAILOVER true)").ReadAll()
	return postgres.Classify("make slot "+slot+" a failover slot", err)
}
