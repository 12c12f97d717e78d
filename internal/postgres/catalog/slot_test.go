package catalog_test

import (
	"encoding/json"
	"testing"

	"github.com/walpost/walpost/internal/postgres/catalog"
)

func TestSlotAtRisk(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		slot catalog.Slot
		want bool
	}{
		{catalog.Slot{WALStatus: "reserved"}, false}, // no limit
		{catalog.Slot{WALStatus: "extended", RetainedBytes: 79, SafeWALBytes: new(int64(21))}, false},
		{catalog.Slot{WALStatus: "extended", RetainedBytes: 80, SafeWALBytes: new(int64(20))}, false},
		{catalog.Slot{WALStatus: "extended", RetainedBytes: 81, SafeWALBytes: new(int64(19))}, true},
		{catalog.Slot{WALStatus: "unreserved", RetainedBytes: 1, SafeWALBytes: new(int64(100))}, true},
		{catalog.Slot{WALStatus: "unreserved", RetainedBytes: 120, SafeWALBytes: new(int64(-20))}, true},
		{catalog.Slot{WALStatus: "lost"}, false},
		{catalog.Slot{WALStatus: "unreserved", InvalidationReason: "idle_timeout"}, false},
	} {
		if got := tc.slot.AtRisk(); got != tc.want {
			t.Errorf("%+v: %t, want %t", tc.slot, got, tc.want)
		}
	}
}

// The JSON of a slot is a promise (docs/stability.md): LSNs are text, and no text is none.
func TestSlotInJSON(t *testing.T) {
	t.Parallel()
	const text = `{"name":"s","active":true,"wal_status":"reserved","confirmed_flush_lsn":"1/A","restart_lsn":"",` +
		`"retained_bytes":5,"safe_wal_bytes":null,"invalidation_reason":""}`
	slot := catalog.Slot{
		Name: "s", Active: true, WALStatus: "reserved", ConfirmedFlushLSN: 1<<32 | 10, RetainedBytes: 5,
		Type: "logical", Plugin: "pgoutput", Database: "d", ActivePID: 7,
	}
	got, err := json.Marshal(slot)
	if err != nil || string(got) != text {
		t.Errorf("%s %v", got, err)
	}
	var back catalog.Slot
	if err := json.Unmarshal([]byte(text), &back); err != nil || back.ConfirmedFlushLSN != slot.ConfirmedFlushLSN || back.RestartLSN != 0 {
		t.Errorf("%+v %v", back, err)
	}
}
