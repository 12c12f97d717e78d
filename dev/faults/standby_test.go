package faults_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// pair is a primary and a physical standby of it.
type pair struct{ primary, standby *devstack.Postgres }

const failoverMajor = 18 // failover slots came with 17

// newPair creates a primary and a standby that follows it through the slot phys. The
// standby begins as a copy of the stopped primary's data.
func newPair(t *testing.T, settings map[string]string) pair {
	t.Helper()
	primary := ownServer(t, failoverMajor, settings)
	if err := primary.Exec(t.Context(), "postgres", "SELECT pg_create_physical_replication_slot('phys', true)"); err != nil {
		t.Fatal(err)
	}
	standby := ownServer(t, failoverMajor, map[string]string{
		"primary_conninfo":  fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=postgres application_name=phys", primary.Port()),
		"primary_slot_name": "phys", "hot_standby_feedback": "on", "sync_replication_slots": "on", "wal_receiver_status_interval": "1s",
	})
	for _, p := range []*devstack.Postgres{primary, standby} {
		if err := p.Stop(t.Context(), devstack.StopFast); err != nil {
			t.Fatal(err)
		}
	}
	copyData(t, primary.DataDir(), standby.DataDir())
	for _, p := range []*devstack.Postgres{primary, standby} {
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return pair{primary, standby}
}

// copyData replaces the standby's data by the primary's and keeps its settings.
func copyData(t *testing.T, from, to string) {
	t.Helper()
	owner, err := os.Stat(to)
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string][]byte{"standby.signal": nil}
	for _, name := range []string{"postgresql.conf", "pg_hba.conf"} {
		if kept[name], err = os.ReadFile(filepath.Join(to, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	for name, data := range kept {
		if err := os.WriteFile(filepath.Join(to, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stat, ok := owner.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("no owner of the data folder")
	}
	err = filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := os.FileMode(0o600) // CopyFS makes what others may read
		if d.IsDir() {
			mode = 0o700
		}
		if err := os.Chmod(path, mode); err != nil {
			return err
		}
		return os.Lchown(path, int(stat.Uid), int(stat.Gid))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// configure changes settings of the primary that need no restart.
func (p pair) configure(t *testing.T, settings ...string) {
	t.Helper()
	for _, s := range settings {
		if err := p.primary.Exec(t.Context(), "postgres", "ALTER SYSTEM SET "+s); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.primary.Exec(t.Context(), "postgres", "SELECT pg_reload_conf()"); err != nil {
		t.Fatal(err)
	}
}

// newPairHarness is a harness on the primary, reached through a proxy that a failover
// points to the standby, as a name in DNS would be.
func newPairHarness(t *testing.T, p pair, failover bool) (*harness, *address) {
	t.Helper()
	a := newAddress(t, p.primary)
	h := newHarnessOn(t, p.primary, keys{
		"postgres.url": p.primary.URLVia(a.addr(), "postgres", "", "postgres"), "postgres.failover": failover,
	})
	return h, a
}

// synced waits until the standby has the slot, to be used after a promotion.
func (p pair) synced(t *testing.T, h *harness) {
	t.Helper()
	conn, err := p.standby.Connect(t.Context(), "postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	n := 1000
	h.Until(t, "the slot to be on the standby", func() bool {
		n++
		h.Exec(t, relaytest.Insert("sync", n)) // only a slot that moves becomes ready
		var ready bool
		err := conn.QueryRow(t.Context(), "SELECT coalesce(bool_or(synced AND NOT temporary AND invalidation_reason IS NULL), false) "+
			"FROM pg_replication_slots WHERE slot_name = $1",
			h.Config.Postgres.Slot).Scan(&ready)
		if err != nil {
			t.Fatal(err)
		}
		return ready
	})
}

// received waits until the standby has all that the primary has written so far.
func (p pair) received(t *testing.T) {
	t.Helper()
	connect := func(server *devstack.Postgres) *pgx.Conn {
		conn, err := server.Connect(t.Context(), "postgres")
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	primary, standby := connect(p.primary), connect(p.standby)
	defer primary.Close(context.WithoutCancel(t.Context()))
	defer standby.Close(context.WithoutCancel(t.Context()))
	end := devstacktest.Value[string](t, primary, "SELECT pg_current_wal_lsn()::text")
	devstacktest.Await(t, "the standby to have it", func() bool {
		return devstacktest.Value[bool](t, standby, "SELECT coalesce(pg_last_wal_receive_lsn() >= '"+end+"', false)")
	})
}

// walreceiver is the process of the standby that receives WAL.
func (p pair) walreceiver(t *testing.T) int {
	t.Helper()
	conn, err := p.standby.Connect(t.Context(), "postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	var pid int
	devstacktest.Await(t, "the walreceiver", func() bool {
		return conn.QueryRow(t.Context(), "SELECT pid FROM pg_stat_wal_receiver WHERE status = 'streaming'").Scan(&pid) == nil
	})
	return pid
}

// promote kills the primary, makes the standby the new one and points the address
// to it.
func (p pair) promote(t *testing.T, h *harness, a *address) {
	t.Helper()
	if err := p.primary.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.standby.Exec(t.Context(), "postgres", "SELECT pg_promote()"); err != nil {
		t.Fatal(err)
	}
	a.lead(t, p.standby)
	h.Reconnect(t, p.standby)
}

// has reports whether the log has a line with this text and all these words in its
// fields.
func (h *harness) has(text string, words ...string) bool {
	for _, e := range h.Log.All() {
		if !strings.Contains(e.Message, text) {
			continue
		}
		fields := fmt.Sprint(e.ContextMap())
		missing := false
		for _, w := range words {
			missing = missing || !strings.Contains(fields, w)
		}
		if !missing {
			return true
		}
	}
	return false
}
