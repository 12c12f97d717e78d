package cli_test

import (
	"strings"
	"testing"
)

// A file without a table: what needs none works, and what does says so.
func TestCommandsWithMessages(t *testing.T) {
	t.Parallel()
	s := newSetup(t, "outbox: {source: message, topic: 'PREFIX.{aggregatetype}'}")
	r := walpost(t, "init", "--dry-run", "-c", s.file)
	r.want(t, 0, "CREATE PUBLICATION", "pg_create_logical_replication_slot", "they come from the messages")
	if strings.Contains(r.out, "TABLE") {
		t.Errorf("a table, and there is none:\n%s", r.out)
	}
	r = walpost(t, "check", "-c", s.file)
	r.want(t, 0, "ok postgres publication", "ok postgres slot", "ok kafka topics: not checked: they come from the messages")
	r = walpost(t, "init", "-c", s.file)
	r.want(t, 0, "created publication", "created slot")
	if strings.Contains(r.out, "table") {
		t.Errorf("%s", r.out)
	}
	walpost(t, "init", "-c", s.file).want(t, 0, "exists publication", "exists slot")
	walpost(t, "check", "-c", s.file).want(t, 0, "ok postgres publication: walpost_"+s.db.Name+" exists, messages are in the stream")
	walpost(t, "status", "-c", s.file).want(t, 0, "walpost_"+s.db.Name)
	walpost(t, "recover", "-c", s.file, "--all", "--yes").want(t, 3, "there is no table to read", "walpost drop -c "+s.file, "walpost init -c "+s.file)
	walpost(t, "audit", "-c", s.file).want(t, 3, "there is no table to read")
	walpost(t, "replay", "-c", s.file, "--all", "--yes").want(t, 3, "there is no table to read", "--topic TOPIC")
	s.db.Exec(t, "DROP PUBLICATION walpost_"+s.db.Name)
	r = walpost(t, "check", "-c", s.file)
	r.want(t, r.code, "CREATE PUBLICATION")
	walpost(t, "drop", "--yes", "-c", s.file).want(t, 0, "dropped slot", "absent publication")
	r = walpost(t, "status", "-c", s.file)
	r.want(t, r.code, "walpost init -c "+s.file)
}
