package cli_test

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// A file without a table: what needs none works, and what does says so.
func TestCommandsWithMessages(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"outbox.source": "message"})
	s.db.RevokeMessages(t)
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
	walpost(t, "recover", "-c", s.file, "--all", "--yes").want(t, 3, "there is no table to read", "walpost drop -c "+s.file,
		"walpost init -c "+s.file)
	walpost(t, "audit", "-c", s.file).want(t, 3, "there is no table to read")
	walpost(t, "replay", "-c", s.file, "--all", "--yes").want(t, 3, "there is no table to read", "--topic TOPIC")
	s.db.Exec(t, "DROP PUBLICATION walpost_"+s.db.Name)
	r = walpost(t, "check", "-c", s.file)
	r.want(t, r.code, "CREATE PUBLICATION")
	walpost(t, "drop", "--yes", "-c", s.file).want(t, 0, "dropped slot", "absent publication")
	r = walpost(t, "status", "-c", s.file)
	r.want(t, r.code, "walpost init -c "+s.file)
}

// Until the right is taken from PUBLIC any role writes events and can halt the relay,
// so nothing is made and nothing starts. The statements of the fix are the way out, and
// where a service does not allow them outbox.writers says that this is known.
func TestRow130_MessagesOfAnyRole(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"outbox.source": "message"})
	for _, command := range []string{"check", "init", "run"} {
		walpost(t, command, "-c", s.file).want(t, 3, "message writers: any role of the database may write events",
			"REVOKE EXECUTE ON FUNCTION",
			"FROM PUBLIC; GRANT EXECUTE", "in database "+s.db.Name, "outbox.writers: any")
	}
	if n := devstacktest.Value[int](t, s.db.Conn, `SELECT (SELECT count(*) FROM pg_replication_slots WHERE database = current_database())
		+ (SELECT count(*) FROM pg_publication)`); n != 0 {
		t.Errorf("%d slots and publications of a relay that was refused", n)
	}
	accepted := s.write(t, keys{"outbox.source": "message", "outbox.writers": "any"})
	walpost(t, "check", "-c", accepted).want(t, 0, "warning postgres message writers: any role", "REVOKE EXECUTE")
	walpost(t, "init", "-c", accepted).want(t, 0, "created slot")
	walpost(t, "run", "-c", s.file).want(t, 3, "message writers: any role")

	r := walpost(t, "check", "-c", s.file)
	_, statements, _ := strings.Cut(r.out, "in database "+s.db.Name+": ")
	statements, _, _ = strings.Cut(statements, "; where")
	s.db.Exec(t, "CREATE ROLE "+s.db.Name, strings.ReplaceAll(statements, "SERVICE_ROLE", s.db.Name))
	walpost(t, "check", "-c", s.file).want(t, 0, "ok postgres message writers: only superusers and "+s.db.Name+" may write events")
	walpost(t, "init", "-c", s.file).want(t, 0, "exists slot")
	s.db.Exec(t, "DROP OWNED BY "+s.db.Name, "DROP ROLE "+s.db.Name)
}
