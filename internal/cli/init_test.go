package cli_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

func TestInitCreatesWhatIsMissingOnce(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	r := walpost(t, "init", "-c", s.file)
	r.want(t, 0, "created table public.outbox", "created publication walpost_"+s.db.Name, "created slot walpost_"+s.db.Name,
		"0 in public.outbox are not published", "the table has no rows")
	s.db.Exec(t, insert("a", "k", 1), insert("b", "k", 2), insert("no/topic", "k", 3))

	r = walpost(t, "init", "-c", s.file)
	r.want(t, 0, "exists table", "exists publication", "exists slot", "created topic "+s.prefix+".a", "created topic "+s.prefix+".b",
		"skipped topic "+s.prefix+".no/topic")
	if strings.Contains(r.out, "DLT") {
		t.Errorf("dead letter topics under on_reject: stop:\n%s", r.out)
	}
	r = walpost(t, "init", "-c", s.file)
	r.want(t, 0, "exists topic "+s.prefix+".a")
	if strings.Contains(r.out, "created") {
		t.Errorf("created again:\n%s", r.out)
	}
}

func TestInitCountsRowsFromBefore(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"delivery.on_reject": "dead_letter"})
	s.db.Exec(t, relaytest.OutboxDDL, insert("a", "k", 1), insert("a", "k", 2))
	r := walpost(t, "init", "--json", "-c", s.file)
	r.want(t, 0)
	var got []struct {
		Relay            string
		Steps            []struct{ Action, Kind, Name string }
		RowsNotPublished *int64 `json:"rows_not_published"`
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].RowsNotPublished == nil || *got[0].RowsNotPublished != 2 || got[0].Steps[0].Action != "exists" {
		t.Errorf("%s", r.out)
	}
	if last := got[0].Steps[len(got[0].Steps)-1]; last.Name != s.prefix+".a.DLT" || last.Action != "created" {
		t.Errorf("last step %+v", last)
	}
}

func TestInitDryRunDoesNothing(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"outbox.topic": "PREFIX.all", "delivery.on_reject": "dead_letter", "delivery.dead_letter": "PREFIX.dead"})
	r := walpost(t, "init", "--dry-run", "-c", s.file)
	r.want(t, 0, "CREATE TABLE", "CREATE PUBLICATION", "pg_create_logical_replication_slot",
		"-- create topic "+s.prefix+".all", s.prefix+".dead")
	var there bool
	if err := s.db.Conn.QueryRow(t.Context(), "SELECT to_regclass('outbox') IS NOT NULL").Scan(&there); err != nil || there {
		t.Errorf("there %v, %v", there, err)
	}
	s.db.Exec(t, strings.Split(strings.TrimSpace(r.out), ";\n")...) // comments and all, it is SQL
	r = walpost(t, "init", "--dry-run", "-c", s.file)
	r.want(t, 0, "-- exists table", "-- exists publication", "-- exists slot")
	if strings.Contains(r.out, "CREATE") {
		t.Errorf("%s", r.out)
	}
}

// A role with REPLICATION alone makes the slot when the owner made table and
// publication, and says that it could not count.
func TestInitNeedsReplicationOnly(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"outbox.topic": "PREFIX.all"})
	role := stack.Name(t)
	s.db.Exec(t, "CREATE ROLE "+role+" LOGIN REPLICATION", relaytest.OutboxDDL)
	t.Cleanup(func() {
		if err := s.db.Server.Exec(context.WithoutCancel(t.Context()), "postgres", "DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	own := s
	own.db.URL = s.db.Server.URLFor(role, "", s.db.Name)
	file := own.write(t, keys{"outbox.topic": "PREFIX.all"})
	walpost(t, "init", "-c", file).want(t, 3, "as the owner of the table: CREATE PUBLICATION")
	s.db.Exec(t, "CREATE PUBLICATION walpost_"+s.db.Name+" FOR TABLE outbox")
	walpost(t, "init", "-c", file).want(t, 0, "exists publication", "created slot", "the role may not read public.outbox",
		"created topic "+s.prefix+".all")
}

func TestUnreachableServersAreNamed(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	noKafka := unasked("x").With(keys{"postgres.url": s.db.URL}).File(t)
	noPostgres := unasked("x").File(t)
	for _, command := range []string{"init", "check", "status", "drop"} {
		r := walpost(t, command, "-c", noPostgres)
		r.want(t, 3, "127.0.0.1:1")
		if command == "check" {
			r.want(t, 3, "postgres.url right")
		}
		if strings.Contains(r.out+r.err, "canary") {
			t.Errorf("%s shows the password: %s%s", command, r.out, r.err)
		}
	}
	for _, command := range []string{"init", "check"} {
		walpost(t, command, "-c", noKafka).want(t, 3, "127.0.0.1:1")
	}
	var slots int
	err := s.db.Conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'walpost_x'").Scan(&slots)
	if err != nil || slots != 0 {
		t.Errorf("%d slots, %v: init with Kafka away must leave nothing behind", slots, err)
	}
}
