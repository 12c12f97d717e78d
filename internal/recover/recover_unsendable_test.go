package recover_test

import (
	"testing"

	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// The way past a row that Postgres cannot send is the one that the halt names: the
// row is mended in the table, and recover publishes it and what came after it.
func TestRow90_RecoverAfterTheRowIsMended(t *testing.T) {
	t.Parallel()
	f := recovertest.NewOn(t, &stack, stack.DatabaseOf(t, "ENCODING 'WIN1252' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"))
	f.Deliver(t)
	f.Exec(t, relaytest.Insert("k", 1),
		`INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('order', 'k', convert_from('\x63616681', 'WIN1252'), `+
			`'{"n": 2}')`,
		relaytest.Insert("k", 3))
	f.Launch(t)
	err := f.Wait(t)
	recovertest.WantHalt(t, err, status.ExitHalted, "22P05", "UPDATE", "walpost recover -c "+f.Config.File+" --force")
	f.Released(t)

	r, plan, err := f.Open(t, recover.Selection{All: true}, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Run(t.Context(), plan, func(recover.Stage, recover.Result) {}); err == nil {
		t.Error("recovered with the row as it is")
	}
	r.Close(t.Context())
	f.Exec(t, "UPDATE outbox SET type = 'Created' WHERE payload->>'n' = '2'")
	f.Recover(t, recover.Selection{All: true}, true)
	f.Exec(t, relaytest.Insert("k", 4))
	f.Deliver(t)
	if report := f.Exact(t); report.Repeats > 1 { // the first row is in the table too
		t.Errorf("%v", report)
	}
}
