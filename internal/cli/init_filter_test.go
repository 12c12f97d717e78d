package cli_test

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// The topics of rows that are no events are not created, and their rows are not counted. A
// table that init makes has the column.
func TestInitKnowsEventsAlone(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"outbox.filter": keys{"type": []string{"Created"}}})
	s.db.Exec(t, relaytest.OutboxDDL, insert("a", "k", 1), insert("b", "k", 1))
	s.db.Exec(t, "UPDATE outbox SET type = 'Noted' WHERE aggregatetype = 'b'")
	r := walpost(t, "init", "-c", s.file)
	r.want(t, 0, "1 in public.outbox are not published", "created topic "+s.prefix+".a")
	if strings.Contains(r.out, s.prefix+".b") {
		t.Errorf("%s", r.out)
	}
	s.db.Exec(t, "UPDATE outbox SET type = 'Noted'")
	walpost(t, "init", "-c", s.file).want(t, 0, "outbox.filter leaves out every row")
	made := newSetup(t, keys{"outbox.filter": keys{"kind": []string{"external"}}})
	walpost(t, "init", "-c", made.file).want(t, 0, "created table public.outbox")
	made.db.Exec(t, "ALTER TABLE outbox ALTER kind TYPE int USING 0")
	walpost(t, "check", "-c", made.file).want(t, 3, "column kind", "integer", "want text or varchar", "outbox.filter")
	made.db.Exec(t, "ALTER TABLE outbox DROP kind")
	walpost(t, "check", "-c", made.file).want(t, 3, "column kind", "which outbox.filter names")
}
