package recover

import (
	"context"
	"fmt"

	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/status"
)

const lockQuery = `
WITH key AS (SELECT hashtextextended('walpost recover ' || $1, 0) AS k)
SELECT pg_try_advisory_lock(k), (SELECT max(pid) FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND (classid::bigint << 32) | objid::bigint = k)
FROM key`

// lock takes an advisory lock, which ends with the connection.
func (r *Recovery) lock(ctx context.Context) error {
	var locked bool
	var holder *int
	if err := r.conn.QueryRow(ctx, lockQuery, r.Config.Postgres.Slot).Scan(&locked, &holder); err != nil {
		return postgres.Classify("lock the recovery", err)
	}
	if locked {
		return nil
	}
	who := "another backend"
	if holder != nil {
		who = fmt.Sprintf("backend %d", *holder)
	}
	return &status.Halt{
		Code: status.ExitRequirement, Reason: "another recovery or first start of this slot is running", Detail: who + " has its lock",
		Hint: "wait for it to end",
	}
}
