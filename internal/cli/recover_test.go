package cli_test

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

func TestRecoverShowsAsksAndPublishes(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"outbox.topic": "PREFIX.all"})
	s.db.Exec(t, relaytest.OutboxDDL)
	walpost(t, "init", "-c", s.file).want(t, 0)
	slot := "walpost_" + s.db.Name
	walpost(t, "recover", "--all", "-c", s.file).want(t, 3, "healthy", "--force")
	s.db.Exec(t, insert("a", "k", 1), insert("a", "k", 2), "SELECT pg_drop_replication_slot('"+slot+"')")

	walpost(t, "recover", "-c", s.file).want(t, 2, "--since", "--after-id", "--all")
	walpost(t, "recover", "--since", "yesterday", "-c", s.file).want(t, 2, "yesterday")
	walpost(t, "recover", "--since", "1h", "-c", s.file).want(t, 2, "--time-column")
	plan := []string{
		"slot " + slot + " does not exist", "2 rows of public.outbox", "2 to topic " + s.prefix + ".all",
		"create slot " + slot + "_recover",
	}
	walpost(t, "recover", "--all", "--dry-run", "-c", s.file).want(t, 0, plan...)
	walpostWith(t, "yes\n", "recover", "--all", "-c", s.file).want(t, 2, "nothing was done")
	if s.slots(t) != 0 {
		t.Fatal("a slot was made without leave")
	}
	walpost(t, "audit", "-c", s.file).want(t, 4, "missing 2", "different")
	walpostWith(t, slot+"\n", "recover", "--all", "-c", s.file).want(t, 0, "created slot", "published 2 rows", "done: 2 rows")
	if s.slots(t) != 1 {
		t.Error("there is no slot")
	}
	if values := records(t, s.prefix+".all"); len(values) != 2 {
		t.Errorf("%q", values)
	}
	walpost(t, "audit", "-c", s.file).want(t, 0, "2 rows, 2 records", "equal")

	s.db.Exec(t, "SELECT pg_copy_logical_replication_slot('"+slot+"', '"+slot+"_recover')") // killed before it was gone
	walpostWith(t, slot+"\n", "recover", "--all", "-c", s.file).want(t, 0, slot+"_recover is left over", "put the slot in place",
		"done: start `walpost run")
	if s.slots(t) != 1 || len(records(t, s.prefix+".all")) != 2 {
		t.Error("more was done than what was left")
	}
}

func TestAuditJSON(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"outbox.topic": "PREFIX.all"})
	walpost(t, "audit", "-c", s.file).want(t, 3, "does not exist")
	s.db.Exec(t, relaytest.OutboxDDL)
	walpost(t, "init", "-c", s.file).want(t, 0)
	s.db.Exec(t, insert("a", "k", 1))
	r := walpost(t, "audit", "--json", "-c", s.file)
	r.want(t, 0, `"in_flight": 1`, `"missing": 0`, `"missing_ids": []`, `"settled": true`)
	if !strings.HasPrefix(r.out, "[") {
		t.Errorf("not a list: %s", r.out)
	}
	walpost(t, "audit", "--since", "1d", "-c", s.file).want(t, 2, "--time-column")
}
