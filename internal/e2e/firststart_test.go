package e2e_test

import (
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// The smallest file on a database that has only the table. (The fourth line
// keeps off the default port, which something else may have.)
func TestFirstStart(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.prefix, f.topic = "outbox.event", "outbox.event."+f.db.Name
	if err := f.kafka.CreateTopic(t.Context(), f.topic, 4, 1, nil); err != nil {
		t.Fatal(err)
	}
	f.file = f.write(t, sections{"outbox": ""})
	row := `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('` + f.db.Name + `', 'k', 'Created', '{"n": 1}')`
	f.db.Exec(t, row, row)

	p := walpost(t, "run", "-c", f.file)
	p.Ready(t)
	f.db.Exec(t, row)
	f.confirmed(t, p)
	p.Terminate(t)
	p.Exits(t, 0, `"created publication"`, `"created slot"`, `"rows_before_it_not_published":2`)
	if n := len(consume(t, f.kafka, f.topic)); n != 1 {
		t.Errorf("%d records, want the one from after the first start", n)
	}
}

// A first start that was killed between publication and slot needs a decision,
// since a dropped slot looks the same: `init` makes the slot, and says what will
// not be published.
func TestFirstStartKilledHalfWay(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.db.Exec(t, "CREATE PUBLICATION "+f.slot+" FOR TABLE outbox WITH (publish = 'insert', publish_via_partition_root = true)",
		relaytest.Insert("k", 1), relaytest.Insert("k", 2), relaytest.Insert("k", 3))
	walpost(t, "run", "-c", f.file).Exits(t, 4, "walpost init")
	if f.slots(t) != 0 {
		t.Error("run made a slot beside an existing publication")
	}
	walpost(t, "init", "-c", f.file).Exits(t, 0, "exists publication "+f.slot, "created slot "+f.slot, "3 in public.outbox are not published")
	p := walpost(t, "run", "-c", f.file)
	p.Ready(t)
	f.db.Exec(t, relaytest.Insert("k", 4))
	f.confirmed(t, p)
	if got := f.records(t); len(got) != 1 || got[0].Number != 4 {
		t.Errorf("published %v, want the row after the slot", got)
	}
	p.Terminate(t)
	p.Exits(t, 0)
}
