package cli_test

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestCheckNamesEachRequirementAndItsFix(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"outbox.topic": "PREFIX.all"})
	r := walpost(t, "check", "-c", s.file)
	r.want(t, 3, "ok file configuration: "+s.file, "ok postgres wal_level: logical", "ok postgres replication connection",
		"failed postgres table: public.outbox does not exist", "fix: walpost init -c FILE, or: CREATE TABLE")
	for line := range strings.Lines(r.out) {
		state, _, _ := strings.Cut(line, " ")
		if state != "ok" && state != "warning" && state != "failed" {
			t.Errorf("line without a state: %q", line)
		}
	}
	walpost(t, "init", "-c", s.file).want(t, 0)
	walpost(t, "check", "-c", s.file).want(t, 0, "ok postgres slot", "ok postgres published table", "ok kafka connection",
		"ok kafka topic "+s.prefix+".all")
	missing := s.write(t, keys{"outbox.topic": "PREFIX.missing"})
	walpost(t, "check", "-c", missing).want(t, 3, "failed kafka topic "+s.prefix+".missing")
	s.db.Exec(t, "ALTER TABLE outbox DROP COLUMN payload")
	walpost(t, "check", "-c", s.file).want(t, 3, "failed postgres column payload")
}

// What outbox.prune lacks is named, and the relay may run all the same.
func TestCheckNamesWhatPruneLacks(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"outbox.topic": "PREFIX.all", "outbox.prune": keys{"after": "24h", "time_column": "created_at"}})
	walpost(t, "init", "-c", s.file).want(t, 0)
	walpost(t, "check", "-c", s.file).want(t, 3, "failed postgres prune: public.outbox has no column created_at")
	s.db.Exec(t, "ALTER TABLE outbox ADD COLUMN created_at timestamptz NOT NULL DEFAULT now()")
	walpost(t, "check", "-c", s.file).want(t, 0, "ok postgres prune")
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	r := walpost(t, "check", "--json", "-c", s.file)
	r.want(t, 3)
	var got []struct {
		Relay, State string
		Requirements []struct{ Of, Name, State, Detail, Fix string }
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Relay != s.db.Name || got[0].State != "failed" || len(got[0].Requirements) < 10 {
		t.Errorf("%s", r.out)
	}
	for _, q := range got[0].Requirements {
		if q.Of == "" || q.Name == "" || q.State == "" || (q.State == "failed" && q.Fix == "") {
			t.Errorf("incomplete: %+v", q)
		}
	}
}

// An enum is published as Debezium does, which only the catalogue knows.
func TestCheckKnowsTypesOfUsers(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	s.db.Exec(t, "CREATE TYPE kind AS ENUM ('a')", "CREATE DOMAIN word AS text",
		"CREATE TABLE outbox (id uuid PRIMARY KEY, aggregatetype kind, aggregateid word, type text, payload jsonb)")
	r := walpost(t, "check", "-c", s.file)
	r.want(t, r.code, "warning postgres column aggregateid: domain word")
	if strings.Contains(r.out, "column aggregatetype:") {
		t.Errorf("%s", r.out)
	}
}
