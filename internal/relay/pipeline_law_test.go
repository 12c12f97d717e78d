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
	h := newHarness(t, relaytest.Options{})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	h.Exec(t, "ALTER TABLE outbox RENAME aggregateid TO entity",
		`INSERT INTO outbox (aggregatetype, entity, payload) VALUES ('order', 'k', '{"n": 2}')`)
	err := h.Wait(t)
	halt, ok := errors.AsType[*status.Halt](err)
	if !ok || halt.Code != status.ExitHalted || !strings.Contains(halt.Detail, "aggregateid") ||
		!strings.Contains(halt.Detail, "outbox.key") {
		t.Fatalf("ended with %v", err)
	}
	h.Released(t)
	h.Config.Outbox.Key.Column = "entity"
	h.Start(t)
	got := h.consume(t, h.Topic, 2)
	if len(got) != 2 || string(got[0].Value) != `{"n": 1}` || string(got[1].Value) != `{"n": 2}` {
		t.Errorf("%d records: %v", len(got), got)
	}
}
