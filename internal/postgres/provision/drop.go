package provision

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
)

// DropSlot removes the slot, and with it the server's promise to keep what was
// not read. It refuses while a connection streams from it. It reports whether
// there was one.
func DropSlot(ctx context.Context, conn *pgx.Conn, slot string) (bool, error) {
	op := "drop slot " + slot
	info, err := catalog.FindSlot(ctx, conn, slot)
	if err != nil || info == nil {
		return false, postgres.Classify(op, err)
	}
	if info.Active {
		return false, &postgres.Error{
			Kind: postgres.SlotActive, Op: op, PID: info.ActivePID,
			Text: fmt.Sprintf("a connection streams from it, backend %d", info.ActivePID),
			Hint: "stop the relay that uses it first",
		}
	}
	if _, err := conn.Exec(ctx, "SELECT pg_drop_replication_slot($1)", slot); err != nil {
		return false, postgres.Classify(op, err)
	}
	return true, nil
}

// DropPublication removes the publication. Drop it after the slot: a slot whose
// publication is gone cannot be read on Postgres 17 and older. It reports
// whether there was one.
func DropPublication(ctx context.Context, conn *pgx.Conn, publication string) (bool, error) {
	op := "drop publication " + pgname.QuoteIfNeeded(publication)
	exists, err := queryBool(ctx, conn, "SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1)", publication)
	if err != nil || !exists {
		return false, postgres.Classify(op, err)
	}
	if _, err := conn.Exec(ctx, "DROP PUBLICATION IF EXISTS "+pgname.Quote(publication)); err != nil {
		return false, postgres.Classify(op, err)
	}
	return true, nil
}
