package provision

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
)

// ConfirmSlot confirms an LSN where no stream can: the server ends each one before it
// takes a status. It waits, as long as ctx lasts, for the last stream's backend to let
// the slot go.
func ConfirmSlot(ctx context.Context, conn *pgx.Conn, slot string, lsn pgoutput.LSN) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := conn.Exec(ctx, "SELECT pg_replication_slot_advance($1, $2)", postgres.Once, slot, lsn.String())
		err = postgres.Classify("confirm "+lsn.String()+" to slot "+slot, err)
		if postgres.KindOf(err) != postgres.SlotActive {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}
