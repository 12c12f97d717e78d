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
			b := newBenchOn(t, ownServer(t, major, nil), "postgres", option{})
			b.start(t)
			b.sample(t)
			b.exec(t, "BEGIN", relaytest.Insert("a", 1), "SAVEPOINT s",
				relaytest.Insert("a", 9), "ROLLBACK TO s", relaytest.Insert("a", 2), "COMMIT",
				"BEGIN", relaytest.Insert("a", 9), "ROLLBACK",
				`INSERT INTO outbox (aggregatetype, aggregateid, payload) VALUES ('order', 'nulls', '{"n": 1}')`,
				inserts(1, 20_000))
			b.confirmed(t)
			w := b.write(t)
			b.passes(t, 100)
			b.terminate(t)
			b.passes(t, 100)
			for _, mode := range []devstack.StopMode{devstack.StopFast, devstack.StopImmediate} {
				if err := b.server.Stop(t.Context(), mode); err != nil {
					t.Fatal(err)
				}
				if err := b.server.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				b.passes(t, 100)
			}
			w.end()
			b.reconnect(t, b.server)
			b.confirmed(t)
			b.exactlyOnce(t)
			b.until(t, "the guard's first look", b.relay.Guarded)
			b.exec(t, "ALTER PUBLICATION "+b.cfg.Postgres.Publication+" DROP TABLE outbox")
			b.halts(t, status.ExitHalted, "rows are being skipped", "no longer in publication")
		})
	}
}
