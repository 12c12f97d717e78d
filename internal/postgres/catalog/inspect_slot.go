package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
)

// SlotInfo is the slot's row of pg_replication_slots.
type SlotInfo struct {
	Name               string
	Plugin             string // "" for a physical slot
	Type               string // logical, physical
	Database           string // "" for a physical slot
	Temporary          bool
	Active             bool
	ActivePID          int // 0 when not active
	WALStatus          string
	RestartLSN         pgoutput.LSN
	ConfirmedFlushLSN  pgoutput.LSN
	SafeWALBytes       *int64 // WAL that may still be written before the slot is in danger; nil: no limit, or lost
	RetainedBytes      int64  // WAL the server keeps from restart_lsn on; 0 when lost
	LagBytes           *int64 // WAL after confirmed_flush_lsn; nil: the server does not tell
	TwoPhase           bool
	Failover           bool   // Postgres 17
	Synced             bool   // Postgres 17: copied here from a primary
	InvalidationReason string // Postgres 17; on 16 "conflict"
}

// Lost says that the server has given the slot up: nothing can be read from it
// any more.
func (s *SlotInfo) Lost() bool { return s.WALStatus == "lost" || s.InvalidationReason != "" }

// slotQuery goes through jsonb: each major adds columns to the view.
const slotQuery = "SELECT to_jsonb(s) FROM pg_replication_slots s WHERE s.slot_name = $1"

// walEndQuery is asked by itself: there are servers that refuse it.
const walEndQuery = "SELECT pg_current_wal_lsn()::text"

func readWALEnd(ctx context.Context, q querier) (pgoutput.LSN, error) {
	var text string
	if err := q.QueryRow(ctx, walEndQuery, postgres.Once).Scan(&text); err != nil {
		return 0, err
	}
	return pgoutput.ParseLSN(text)
}

// measure says how much WAL there is from the slot's positions to the end.
func (s *SlotInfo) measure(end pgoutput.LSN) {
	s.RetainedBytes, s.LagBytes = 0, bytesUntil(end, s.ConfirmedFlushLSN)
	if s.RestartLSN > 0 {
		s.RetainedBytes = *bytesUntil(end, s.RestartLSN)
	}
}

// Unconfirmed is the WAL that the slot has not been confirmed beyond, in words.
func (s *SlotInfo) Unconfirmed() string {
	if s.LagBytes == nil {
		return "what is in the WAL after " + s.ConfirmedFlushLSN.String()
	}
	return fmt.Sprintf("%d bytes of WAL after %s", *s.LagBytes, s.ConfirmedFlushLSN)
}

func bytesUntil(end, from pgoutput.LSN) *int64 {
	n := int64(0)
	if end > from && from > 0 {
		n = int64(end - from)
	}
	return &n
}

// slotRow is the view's row as it comes.
type slotRow struct {
	SlotName           string  `json:"slot_name"`
	Plugin             string  `json:"plugin"`
	SlotType           string  `json:"slot_type"`
	Database           string  `json:"database"`
	Temporary          bool    `json:"temporary"`
	Active             bool    `json:"active"`
	ActivePID          int     `json:"active_pid"`
	RestartLSN         *string `json:"restart_lsn"`
	ConfirmedFlushLSN  *string `json:"confirmed_flush_lsn"`
	WALStatus          string  `json:"wal_status"`
	SafeWALSize        *int64  `json:"safe_wal_size"`
	TwoPhase           bool    `json:"two_phase"`
	Conflicting        bool    `json:"conflicting"`
	Failover           bool    `json:"failover"`
	Synced             bool    `json:"synced"`
	InvalidationReason string  `json:"invalidation_reason"`
}

// querier is a connection or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// ReadSlot returns the slot of that name, or nil when there is none.
func ReadSlot(ctx context.Context, q querier, name string) (*SlotInfo, error) {
	var raw []byte
	err := q.QueryRow(ctx, slotQuery, postgres.Once, name).Scan(&raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // nil is "not there" throughout an Inspection
	}
	if err != nil {
		return nil, err
	}
	var row slotRow
	if err := json.Unmarshal(raw, &row); err != nil {
		return nil, fmt.Errorf("row of pg_replication_slots: %w", err)
	}
	return row.info()
}

func (r *slotRow) info() (*SlotInfo, error) {
	s := &SlotInfo{
		Name: r.SlotName, Plugin: r.Plugin, Type: r.SlotType, Database: r.Database, Temporary: r.Temporary,
		Active: r.Active, ActivePID: r.ActivePID, WALStatus: r.WALStatus, SafeWALBytes: r.SafeWALSize,
		TwoPhase: r.TwoPhase, Failover: r.Failover, Synced: r.Synced,
		InvalidationReason: r.InvalidationReason,
	}
	if r.Conflicting && s.InvalidationReason == "" {
		s.InvalidationReason = "conflict"
	}
	for _, lsn := range []struct {
		text *string
		into *pgoutput.LSN
	}{{r.RestartLSN, &s.RestartLSN}, {r.ConfirmedFlushLSN, &s.ConfirmedFlushLSN}} {
		if lsn.text == nil {
			continue
		}
		value, err := pgoutput.ParseLSN(*lsn.text)
		if err != nil {
			return nil, err
		}
		*lsn.into = value
	}
	return s, nil
}

// Making reports whether a connection is making the slot and waits for transactions
// that are writing: it is there then, and is gone if that connection ends.
func (s *SlotInfo) Making() bool { return s.Active && s.ConfirmedFlushLSN == 0 }

var slotName = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)

// ValidSlotName reports whether Postgres takes the name for a slot as it is: it cuts
// longer names in silence.
func ValidSlotName(name string) bool { return slotName.MatchString(name) }
