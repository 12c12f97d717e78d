package catalog

import (
	"fmt"
	"regexp"

	"github.com/walpost/walpost/internal/pgoutput"
)

// Slot is a replication slot, as pg_replication_slots has it. Its JSON is the object
// `slot` of `status --json` and /status.
type Slot struct {
	Name              string       `json:"name"`
	Active            bool         `json:"active"`
	WALStatus         string       `json:"wal_status"`          // reserved, extended, unreserved, lost
	ConfirmedFlushLSN pgoutput.LSN `json:"confirmed_flush_lsn"` // 0: none
	RestartLSN        pgoutput.LSN `json:"restart_lsn"`         // 0: none
	RetainedBytes     int64        `json:"retained_bytes"`      // WAL that the server keeps from RestartLSN on; 0 when lost
	// WAL that may still be written before the slot is in danger; null: no limit, or lost
	SafeWALBytes *int64 `json:"safe_wal_bytes"`
	// InvalidationReason is why the server has given the slot up, from Postgres 17 on; on
	// 16 it is "conflict" or "". "" when it has not, or does not say.
	InvalidationReason string `json:"invalidation_reason"`

	LagBytes  *int64 `json:"-"` // WAL after ConfirmedFlushLSN; nil: the server does not tell
	ActivePID int    `json:"-"` // 0 when not active
	Type      string `json:"-"` // logical, physical
	Plugin    string `json:"-"` // "" for a physical slot
	Database  string `json:"-"` // "" for a physical slot
	Temporary bool   `json:"-"`
	TwoPhase  bool   `json:"-"`
	Failover  bool   `json:"-"` // from Postgres 17 on
}

// Lost reports whether the server has given the slot up: nothing can be read from it any
// more.
func (s *Slot) Lost() bool { return s.WALStatus == "lost" || s.InvalidationReason != "" }

// riskPart: a slot is at risk when less than one part of so many is left of
// max_slot_wal_keep_size.
const riskPart = 5

// AtRisk reports whether the server will soon give the slot up because of the WAL that it
// keeps for the slot.
func (s *Slot) AtRisk() bool {
	if s.Lost() {
		return false
	}
	return s.WALStatus == "unreserved" || s.SafeWALBytes != nil && *s.SafeWALBytes*riskPart < *s.SafeWALBytes+s.RetainedBytes
}

// Making reports whether a connection is making the slot and waits for transactions
// that are writing: it is there then, and is gone if that connection ends.
func (s *Slot) Making() bool { return s.Active && s.ConfirmedFlushLSN == 0 }

// Unconfirmed describes the WAL after the slot's confirmed position.
func (s *Slot) Unconfirmed() string {
	if s.LagBytes == nil {
		return "what is in the WAL after " + s.ConfirmedFlushLSN.String()
	}
	return fmt.Sprintf("%d bytes of WAL after %s", *s.LagBytes, s.ConfirmedFlushLSN)
}

// measure sets how much WAL there is from the slot's positions to the end.
func (s *Slot) measure(end pgoutput.LSN) {
	s.RetainedBytes, s.LagBytes = 0, bytesUntil(end, s.ConfirmedFlushLSN)
	if s.RestartLSN > 0 {
		s.RetainedBytes = *bytesUntil(end, s.RestartLSN)
	}
}

func bytesUntil(end, from pgoutput.LSN) *int64 {
	n := int64(0)
	if end > from && from > 0 {
		n = int64(end - from)
	}
	return &n
}

var slotName = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)

// ValidSlotName reports whether Postgres takes the name for a slot as it is: it cuts
// longer names in silence.
func ValidSlotName(name string) bool { return slotName.MatchString(name) }
