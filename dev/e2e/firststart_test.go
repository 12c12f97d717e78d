package e2e_test

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// The smallest file on a database that has only the table. (Its other
// line keeps off the default port, which something else may have.)
func TestFirstStart(t *testing.T) {
	t.Parallel()
	h := with(t, relaytest.Options{Topic: "outbox.event.PREFIX", Keys: keys{"outbox": nil}})
	row := `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('` + h.Prefix + `', 'k', 'Created', '{"n": 1}')`
	h.Exec(t, row, row)

	p := walpost(t, "run", "-c", h.Config.File)
	p.Ready(t)
	h.Exec(t, row)
	h.confirmed(t, p)
	p.Terminate(t)
	p.Exits(t, 0, `"created publication"`, `"created slot"`, `"rows_before_it_not_published":2`)
	if n := len(consume(t, h.Kafka, h.Topic)); n != 1 {
		t.Errorf("%d records, want the one from after the first start", n)
	}
}

// A first start that is killed while its slot waits for a transaction that is writing
// needs nobody: the server does not notice that its client is gone before the
// transaction ends, and makes the slot or not. The next start waits for that, and goes
// on; so does `init`.
func TestFirstStartKilledHalfWay(t *testing.T) {
	t.Parallel()
	for _, then := range []string{"run", "init"} {
		t.Run(then, func(t *testing.T) {
			t.Parallel()
			server := devstacktest.StartPostgres(t, devstack.PostgresOptions{})
			h := with(t, relaytest.Options{DB: devstacktest.DatabaseOn(t, server, "postgres")})
			writer := devstacktest.Connect(t, server, "postgres")
			for _, sql := range []string{"CREATE TABLE other (x int)", "BEGIN", "INSERT INTO other VALUES (1)"} {
				if _, err := writer.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			first := walpost(t, "run", "-c", h.Config.File)
			first.Writes(t, "waits for the transaction of process")
			first.Kill(t)
			h.Exec(t, relaytest.Insert("k", 1)) // before the slot
			next := walpost(t, then, "-c", h.Config.File)
			if then == "run" {
				next.Writes(t, "is being made by backend")
			} else {
				next.Writes(t, "exists publication")
			}
			if _, err := writer.Exec(t.Context(), "COMMIT"); err != nil {
				t.Fatal(err)
			}
			if then == "init" {
				next.Exits(t, 0)
				next = walpost(t, "run", "-c", h.Config.File)
			}
			next.Ready(t)
			h.Exec(t, relaytest.Insert("k", 2))
			h.confirmed(t, next)
			next.Terminate(t)
			next.Exits(t, 0)
			if got := h.records(t); len(got) == 0 || len(got) > 2 || got[len(got)-1].Number != 2 { // the slot may begin before the first
				t.Errorf("published %v", got)
			}
		})
	}
}

// A publication without a slot that no first start of walpost made needs a decision,
// since a dropped slot looks the same: `init` makes the slot, and says what will not
// be published.
func TestPublicationWithoutSlot(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.Exec(t, "CREATE PUBLICATION "+h.Config.Postgres.Slot+" FOR TABLE outbox WITH (publish = 'insert', publish_via_partition_root = true)",
		relaytest.Insert("k", 1), relaytest.Insert("k", 2), relaytest.Insert("k", 3))
	walpost(t, "run", "-c", h.Config.File).Exits(t, 4, "walpost init")
	if h.slots(t) != 0 {
		t.Error("run made a slot beside an existing publication")
	}
	walpost(t, "init", "-c", h.Config.File).Exits(t, 0, "exists publication "+h.Config.Postgres.Slot,
		"created slot "+h.Config.Postgres.Slot,
		"3 in public.outbox are not published")
	p := walpost(t, "run", "-c", h.Config.File)
	p.Ready(t)
	h.Exec(t, relaytest.Insert("k", 4))
	h.confirmed(t, p)
	if got := h.records(t); len(got) != 1 || got[0].Number != 4 {
		t.Errorf("published %v, want the row after the slot", got)
	}
	p.Terminate(t)
	p.Exits(t, 0)
}
