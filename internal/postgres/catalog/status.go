package catalog

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/postgres"
)

// SlotStatus is the `slot` object of `status --json` and /status (contract,
// section 1). LSNs are text as Postgres prints them, "" when the slot has none.
type SlotStatus struct {
	Name              string `json:"name"`
	Active            bool   `json:"active"`
	WALStatus         string `json:"wal_status"` // reserved, extended, unreserved, lost
	ConfirmedFlushLSN string `json:"confirmed_flush_lsn"`
	RestartLSN        string `json:"restart_lsn"`
	RetainedBytes     int64  `json:"retained_bytes"`
	SafeWALBytes      *int64 `json:"safe_wal_bytes"` // null: no limit
	// InvalidationReason is why the server has given the slot up, from Postgres 17 on;
	// "" when it has not, or does not say.
	InvalidationReason string `json:"invalidation_reason"`
	// LagBytes is `lag_bytes` of the relay, beside the slot and not in it.
	LagBytes *int64 `json:"-"` // nil: the server does not tell
}

// ReadSlotStatus reads the state of the slot; nil when there is none. On a standby
// it is an error: its slots are not those of the primary.
func ReadSlotStatus(ctx context.Context, conn *pgx.Conn, slot string) (*SlotStatus, error) {
	op := "read slot " + slot
	if postgres.OnStandby(conn.PgConn()) {
		return nil, postgres.StandbyError(op)
	}
	info, err := ReadSlot(ctx, conn, slot)
	if err != nil || info == nil {
		return nil, postgres.Classify(op, err)
	}
	end, err := readWALEnd(ctx, conn)
	if err == nil {
		info.measure(end)
	} else if !refused(err) {
		return nil, postgres.Classify(op, err)
	}
	return info.Status(), nil
}

// Status gives the part that `status` shows.
func (s *SlotInfo) Status() *SlotStatus {
	status := &SlotStatus{
		Name: s.Name, Active: s.Active, WALStatus: s.WALStatus, InvalidationReason: s.InvalidationReason,
		RetainedBytes: s.RetainedBytes, SafeWALBytes: s.SafeWALBytes, LagBytes: s.LagBytes,
	}
	if s.ConfirmedFlushLSN != 0 {
		status.ConfirmedFlushLSN = s.ConfirmedFlushLSN.String()
	}
	if s.RestartLSN != 0 {
		status.RestartLSN = s.RestartLSN.String()
	}
	return status
}
