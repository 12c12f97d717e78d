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
	h := newHarnessOn(t, server, keys{
		"postgres.url": server.URLFor("walpost", "", "postgres"), "postgres.password": "${file:" + secret + "}",
	})
	h.Start(t)
	h.sample(t)
	h.Exec(t, relaytest.Insert("k", 1), "ALTER ROLE walpost PASSWORD '"+second+"'", relaytest.Insert("k", 2))
	h.Confirmed(t)
	h.terminate(t)
	h.Until(t, "the relay to be refused", func() bool { return strings.Contains(h.Status().Reason, "password") })
	h.Condition(t, status.ConditionPostgres)
	h.Exec(t, relaytest.Insert("k", 3))
	write(second)
	h.Confirmed(t)
	h.exactlyOnce(t)
	h.Stop(t)
	for _, e := range h.Log.All() {
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
	h := newHarnessOn(t, ownServer(t, 0, nil), nil)
	h.Start(t)
	h.sample(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	file := filepath.Join(h.DB.Server.DataDir(), "pg_hba.conf")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	hba := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		h.Exec(t, "SELECT pg_reload_conf()")
	}
	hba("local all all trust\n")
	h.Until(t, "the relay to be refused", func() bool {
		h.terminate(t)
		return strings.Contains(h.Status().Reason, "pg_hba.conf")
	})
	h.Exec(t, relaytest.Insert("k", 2))
	hba(string(whole))
	h.Confirmed(t)
	h.exactlyOnce(t)
	h.Stop(t)
}

// terminate ends what streams from the slot, as an operator would.
func (h *harness) terminate(t *testing.T) {
	t.Helper()
	h.Exec(t, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '"+h.Config.Postgres.Slot+"' AND active")
}

// A database that is not the one of the slot: the start refuses and names both.
func TestRow62_OtherDatabase(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.Start(t)
	h.Stop(t)
	other := newHarness(t, nil)
	other.Config.Postgres.Slot = h.Config.Postgres.Slot
	other.Exec(t, "CREATE PUBLICATION "+other.Config.Postgres.Publication+" FOR TABLE outbox WITH (publish = 'insert')")
	other.Launch(t)
	other.Halts(t, status.ExitRequirement, h.DB.Name)
}
