package recovery_test

import (
	"testing"

	"github.com/walpost/walpost/internal/recovery"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// The way past a row that Postgres cannot send is the one that the halt names: the
// row is mended in the table, and recover publishes it and what came after it.
func TestRow90_RecoverAfterTheRowIsMended(t *testing.T) {
	t.Parallel()
	f := newFixtureOn(t, stack.DatabaseOf(t, "ENCODING 'WIN1252' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"))
	f.relay(t)
	f.db.Exec(t, relaytest.Insert("k", 1),
		`INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('order', 'k', convert_from('\x63616681', 'WIN1252'), '{"n": 2}')`,
		relaytest.Insert("k", 3))
	err := relaytest.Start(t, f.cfg).Wait(t)
	wantHalt(t, err, status.ExitHalted, "22P05", "UPDATE", "walpost recover -c "+f.cfg.File+" --force")
	f.released(t)

	r, plan, err := f.open(t, recovery.Selection{All: true}, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Run(t.Context(), plan, func(recovery.Stage, recovery.Result) {}); err == nil {
		t.Error("recovered with the row as it is")
	}
	r.Close(t.Context())
	f.db.Exec(t, "UPDATE outbox SET type = 'Created' WHERE payload->>'n' = '2'")
	f.recover(t, recovery.Selection{All: true}, true)
	f.db.Exec(t, relaytest.Insert("k", 4))
	f.relay(t)
	if report := f.exact(t); report.Repeats > 1 { // the first row is in the table too
		t.Errorf("%v", report)
	}
}
