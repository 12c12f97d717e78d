package faults_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// A password that is rotated while the relay runs: the stream that stands lives on,
// the next connection reads the file again, and neither password is in the log.
func TestRow42_PasswordRotated(t *testing.T) {
	t.Parallel()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Password: "of-the-superuser"})
	secret := filepath.Join(t.TempDir(), "password")
	write := func(password string) {
		if err := os.WriteFile(secret, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const first, second = "canary-one", "canary-two"
	write(first)
	if err := server.Exec(t.Context(), "postgres", "CREATE ROLE walpost LOGIN REPLICATION SUPERUSER PASSWORD '"+first+"'"); err != nil {
		t.Fatal(err)
	}
	b := newBenchOn(t, server, "postgres", option{
		url: server.URLFor("walpost", "", "postgres"), postgres: "  password: ${file:" + secret + "}\n",
	})
	b.start(t)
	b.sample(t)
	b.exec(t, relaytest.Insert("k", 1), "ALTER ROLE walpost PASSWORD '"+second+"'", relaytest.Insert("k", 2))
	b.confirmed(t)
	b.terminate(t)
	b.until(t, "the relay to be refused", func() bool { return strings.Contains(b.relay.Status().Reason, "password") })
	b.condition(t, status.ConditionPostgres)
	b.exec(t, relaytest.Insert("k", 3))
	write(second)
	b.confirmed(t)
	b.exactlyOnce(t)
	b.end(t)
	for _, e := range b.log.All() {
		for _, f := range e.Context {
			if text := f.String; strings.Contains(text, first) || strings.Contains(text, second) {
				t.Errorf("a password is in the log: %s: %s", e.Message, text)
			}
		}
	}
}

// A line of pg_hba.conf that goes and comes back: the relay waits, says which it
// wants, and goes on by itself.
func TestRow42_LineOfHBARemoved(t *testing.T) {
	t.Parallel()
	b := newBenchOn(t, ownServer(t, 0, nil), "postgres", option{})
	b.start(t)
	b.sample(t)
	b.exec(t, relaytest.Insert("k", 1))
	b.confirmed(t)
	file := filepath.Join(b.server.DataDir(), "pg_hba.conf")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	hba := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		b.exec(t, "SELECT pg_reload_conf()")
	}
	hba("local all all trust\n")
	b.until(t, "the relay to be refused", func() bool {
		b.terminate(t)
		return strings.Contains(b.relay.Status().Reason, "pg_hba.conf")
	})
	b.exec(t, relaytest.Insert("k", 2))
	hba(string(whole))
	b.confirmed(t)
	b.exactlyOnce(t)
	b.end(t)
}

// terminate ends what streams from the slot, as an operator would.
func (b *bench) terminate(t *testing.T) {
	t.Helper()
	b.exec(t, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '"+b.cfg.Postgres.Slot+"' AND active")
}

// A database that is not the one of the slot: the start refuses and names both.
func TestRow62_OtherDatabase(t *testing.T) {
	t.Parallel()
	b := newBench(t, option{})
	b.start(t)
	b.end(t)
	other := newBench(t, option{})
	other.cfg.Postgres.Slot = b.cfg.Postgres.Slot
	other.exec(t, "CREATE PUBLICATION "+other.cfg.Postgres.Publication+" FOR TABLE outbox WITH (publish = 'insert')")
	other.launch(t)
	other.halts(t, status.ExitRequirement, b.database)
}
