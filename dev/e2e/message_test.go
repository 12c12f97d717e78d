package e2e_test

import (
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
)

// emitted makes a message of each row: the table is the truth to compare with, and
// nothing of it is published.
const emitted = `CREATE FUNCTION emit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	PERFORM pg_logical_emit_message(true, 'events', json_build_object('id', NEW.id, 'aggregatetype', NEW.aggregatetype,
		'aggregateid', NEW.aggregateid, 'type', NEW.type, 'payload', NEW.payload::text)::text);
	RETURN NULL; END $$;
	CREATE TRIGGER emit AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION emit()`

// Events without a table survive kill -9 as rows do: nothing is lost, nothing that
// was rolled back appears, and each key stays in order.
func TestMessagesOfAKilledRelay(t *testing.T) {
	t.Parallel()
	h := newHarness(t, keys{"outbox.source": "message", "outbox.prefix": "events"})
	h.DB.RevokeMessages(t)
	h.Exec(t, emitted)
	walpost(t, "init", "-c", h.Config.File).Exits(t, 0)
	rnd := devstacktest.Rand(t)
	l := startLoad(t, h, devstacktest.Split(rnd))
	for range 5 {
		h.released(t)
		p := walpost(t, "run", "-c", h.Config.File)
		p.Ready(t)
		pause.Real(t, devstacktest.Upto(rnd, 500*time.Millisecond), "the load goes on until the kill")
		p.Kill(t)
	}
	h.released(t)
	p := walpost(t, "run", "-c", h.Config.File)
	p.Ready(t)
	l.end(t)
	h.confirmed(t, p)
	p.Terminate(t)
	p.Exits(t, 0)
	t.Log(h.compare(t))
}
