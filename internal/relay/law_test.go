package relay_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// A row that does not fit the mapping stops the relay: it is never skipped. What
// came before it is delivered and confirmed, and with the table mended, or another
// file, it goes on from there.
func TestLaw4_WhatCannotBeRoutedStopsTheRelay(t *testing.T) {
	t.Parallel()
	b := newBench(t, relaytest.OutboxDDL)
	b.start(t)
	b.db.Exec(t, relaytest.Insert("k", 1))
	b.confirmed(t)
	b.db.Exec(t, "ALTER TABLE outbox RENAME aggregateid TO entity", `INSERT INTO outbox (aggregatetype, entity, payload) VALUES ('order', 'k', '{"n": 2}')`)
	err := b.wait(t)
	halt, ok := errors.AsType[*status.Halt](err)
	if !ok || halt.Code != status.ExitHalted || !strings.Contains(halt.Detail, "aggregateid") || !strings.Contains(halt.Detail, "outbox.key") {
		t.Fatalf("ended with %v", err)
	}
	b.released(t)
	b.cfg.Outbox.Key = "entity"
	b.start(t)
	got := b.consume(t, b.topic, 2)
	if len(got) != 2 || string(got[0].Value) != `{"n": 1}` || string(got[1].Value) != `{"n": 2}` {
		t.Errorf("%d records: %v", len(got), got)
	}
}
