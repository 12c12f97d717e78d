package cli_test

import (
	"fmt"
	"testing"

	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// slots is how many slots the setup's relay has.
func (s setup) slots(t *testing.T) (n int) {
	t.Helper()
	if err := s.db.Conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_replication_slots WHERE slot_name = $1",
		"walpost_"+s.db.Name).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDropAsksForTheSlotsName(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"outbox.topic": "PREFIX.all"})
	walpost(t, "init", "-c", s.file).want(t, 0)
	for _, answer := range []string{"", "\n", "yes\n", "walpost_" + s.db.Name + "x\n"} {
		walpostWith(t, answer, "drop", "-c", s.file).want(t, 2, "nothing was dropped")
	}
	if s.slots(t) != 1 {
		t.Fatal("dropped without the name")
	}
	walpostWith(t, "walpost_"+s.db.Name+"\n", "drop", "-c", s.file).want(t, 0, "dropped slot", "dropped publication")
	if s.slots(t) != 0 {
		t.Fatal("the slot is still there")
	}
	walpost(t, "drop", "-c", s.file).want(t, 0, "absent slot", "absent publication")
	walpost(t, "init", "-c", s.file).want(t, 0, "exists table", "created publication", "created slot")
	walpost(t, "drop", "--yes", "-c", s.file).want(t, 0, "dropped slot")
}

func TestDropRefusesAnActiveSlot(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"outbox.topic": "PREFIX.all"})
	s.db.Exec(t, relaytest.OutboxDDL)
	r := clitest.Start(t, "run", "-c", s.file)
	r.Writes(t, `"streaming"`)
	var pid int
	if err := s.db.Conn.QueryRow(t.Context(), "SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1",
		"walpost_"+s.db.Name).Scan(&pid); err != nil {
		t.Fatal(err)
	}
	walpost(t, "drop", "--yes", "-c", s.file).want(t, 3, fmt.Sprintf("backend %d", pid))
	walpost(t, "status", "-c", s.file).want(t, 0, "state=streaming", "active=true")
	r.Terminate(t)
	r.Exits(t, 0)
	walpost(t, "status", "-c", s.file).want(t, 0, "state=stopped", "active=false")
}
