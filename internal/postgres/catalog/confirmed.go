package catalog

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/postgres"
)

// Confirmed reports whether the slot is confirmed up to the LSN: every transaction that
// ends at or below it was published, or rejected by policy.
func Confirmed(ctx context.Context, conn *pgx.Conn, slot, lsn string) (bool, error) {
	var reached bool
	err := conn.QueryRow(ctx, `SELECT coalesce(bool_or(confirmed_flush_lsn >= $2::text::pg_lsn), false) FROM pg_replication_slots
		WHERE slot_name = $1 AND slot_type = 'logical' AND database = current_database()`, slot, lsn).Scan(&reached)
	return reached, postgres.Classify("read slot "+slot, err)
}
