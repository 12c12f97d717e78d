package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
)

// ReadSlot reads the slot; nil when there is none. On a standby it is an error: its slots
// are not those of the primary.
func ReadSlot(ctx context.Context, conn *pgx.Conn, name string) (*Slot, error) {
	op := "read slot " + name
	if postgres.OnStandby(conn.PgConn()) {
		return nil, postgres.StandbyError(op)
	}
	slot, err := FindSlot(ctx, conn, name)
	if err != nil || slot == nil {
		return nil, postgres.Classify(op, err)
	}
	end, err := readWALEnd(ctx, conn)
	if err == nil {
		slot.measure(end)
	} else if !refused(err) {
		return nil, postgres.Classify(op, err)
	}
	return slot, nil
}

// slotQuery goes through jsonb for what not every major has.
const slotQuery = `
SELECT slot_name, active, coalesce(wal_status, ''), coalesce(confirmed_flush_lsn, '0/0')::text, coalesce(restart_lsn, '0/0')::text,
       safe_wal_size, coalesce(j ->> 'invalidation_reason', CASE WHEN (j ->> 'conflicting')::bool THEN 'conflict' END, ''),
       coalesce(active_pid, 0), slot_type, coalesce(plugin, ''), coalesce(database::text, ''), temporary,
       coalesce((j ->> 'two_phase')::bool, false), coalesce((j ->> 'failover')::bool, false)
FROM (SELECT s.*, to_jsonb(s) AS j FROM pg_replication_slots s WHERE s.slot_name = $1) AS slot`

// querier is a connection or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// FindSlot returns the slot without its distance to the end of the WAL, or nil when there
// is none.
func FindSlot(ctx context.Context, q querier, name string) (*Slot, error) {
	var s Slot
	var confirmed, restart string
	err := q.QueryRow(ctx, slotQuery, postgres.Once, name).Scan(
		&s.Name, &s.Active, &s.WALStatus, &confirmed, &restart, &s.SafeWALBytes, &s.InvalidationReason,
		&s.ActivePID, &s.Type, &s.Plugin, &s.Database, &s.Temporary, &s.TwoPhase, &s.Failover,
	)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // nil is "not there" throughout an Inspection
	}
	if err != nil {
		return nil, err
	}
	if s.ConfirmedFlushLSN, err = pgoutput.ParseLSN(confirmed); err != nil {
		return nil, fmt.Errorf("confirmed_flush_lsn: %w", err)
	}
	if s.RestartLSN, err = pgoutput.ParseLSN(restart); err != nil {
		return nil, fmt.Errorf("restart_lsn: %w", err)
	}
	return &s, nil
}

// walEndQuery is asked by itself: there are servers that refuse it.
const walEndQuery = "SELECT pg_current_wal_lsn()::text"

func readWALEnd(ctx context.Context, q querier) (pgoutput.LSN, error) {
	var text string
	if err := q.QueryRow(ctx, walEndQuery, postgres.Once).Scan(&text); err != nil {
		return 0, err
	}
	return pgoutput.ParseLSN(text)
}
