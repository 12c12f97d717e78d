//go:build faults

package faults_test

import (
	"strconv"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// The core of the suite on each major, one server at a time: inserts, nulls,
// rollbacks, a large transaction, lost connections, restarts, the guard.
func TestMajors(t *testing.T) {
	for _, major := range []int{14, 15, 16, 17, 18} {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			h := newHarnessOn(t, ownServer(t, major, nil), nil)
			h.Start(t)
			h.sample(t)
			h.Exec(t, "BEGIN", relaytest.Insert("a", 1), "SAVEPOINT s",
				relaytest.Insert("a", 9), "ROLLBACK TO s", relaytest.Insert("a", 2), "COMMIT",
				"BEGIN", relaytest.Insert("a", 9), "ROLLBACK",
				`INSERT INTO outbox (aggregatetype, aggregateid, payload) VALUES ('order', 'nulls', '{"n": 1}')`,
				inserts(1, 20_000))
			h.Confirmed(t)
			w := h.write(t)
			h.Passes(t, 100)
			h.terminate(t)
			h.Passes(t, 100)
			for _, mode := range []devstack.StopMode{devstack.StopFast, devstack.StopImmediate} {
				if err := h.DB.Server.Stop(t.Context(), mode); err != nil {
					t.Fatal(err)
				}
				if err := h.DB.Server.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				h.Passes(t, 100)
			}
			w.end()
			h.Reconnect(t, h.DB.Server)
			h.Confirmed(t)
			h.exactlyOnce(t)
			h.Until(t, "the guard's first look", h.Guarded)
			h.Exec(t, "ALTER PUBLICATION "+h.Config.Postgres.Publication+" DROP TABLE outbox")
			h.Halts(t, status.ExitHalted, "rows are being skipped", "no longer in publication")
		})
	}
}
