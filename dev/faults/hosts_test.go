//go:build faults

package faults_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// both is a URL that names these servers in this order, and nothing of which is wanted.
func both(servers ...*devstack.Postgres) string {
	var hosts []string
	for _, s := range servers {
		hosts = append(hosts, s.Addr())
	}
	return "postgres://postgres:" + devstacktest.Canary + "@" + strings.Join(hosts, ",") + "/postgres"
}

// follow makes a server a standby of another one, which has gone on without it. Both
// are up at the end.
func follow(t *testing.T, standby, primary *devstack.Postgres) {
	t.Helper()
	if err := primary.Stop(t.Context(), devstack.StopFast); err != nil {
		t.Fatal(err)
	}
	copyData(t, primary.DataDir(), standby.DataDir())
	file := filepath.Join(standby.DataDir(), "postgresql.conf")
	settings, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	settings = fmt.Appendf(settings, "primary_conninfo = 'host=127.0.0.1 port=%d user=postgres "+
		"dbname=postgres'\nsynchronized_standby_slots = ''\n", primary.Port())
	if err := os.WriteFile(file, settings, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*devstack.Postgres{primary, standby} {
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// Two hosts in the URL, and a failover after which the first comes back as a standby:
// the relay finds the primary by itself each time, a start too, and asks no other
// server for anything beside the stream.
func TestRow98_FailoverAndReturn(t *testing.T) {
	t.Parallel()
	p := newPair(t, nil)
	p.configure(t, "synchronized_standby_slots = 'phys'")
	h := newHarnessOn(t, p.primary, keys{"postgres.url": both(p.primary, p.standby), "postgres.failover": true})
	h.Start(t)
	p.synced(t, h)
	h.Confirmed(t)
	if err := p.primary.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.standby.Exec(t.Context(), "postgres", "ALTER SYSTEM RESET synchronized_standby_slots", "SELECT pg_promote()"); err != nil {
		t.Fatal(err)
	}
	h.Reconnect(t, p.standby)
	h.Exec(t, "SELECT pg_reload_conf()", inserts(1, 20))
	h.Confirmed(t)

	follow(t, p.primary, p.standby)
	h.Reconnect(t, p.standby)
	h.Exec(t, inserts(21, 40))
	h.Confirmed(t) // past the first, which answers again
	h.terminate(t)
	h.Exec(t, inserts(41, 60))
	h.Confirmed(t)
	h.Until(t, "the guard to look", h.Guarded)
	h.exactlyOnce(t)
	h.Stop(t)
	h.Released(t)

	h.Start(t)
	h.Exec(t, inserts(61, 80))
	h.Confirmed(t)
	h.judge(t)
	h.Stop(t)
}

// On a standby nothing is judged but that it is one: not a slot that only the primary
// has, whether at a start, by recover or by audit. And the words are about the host.
func TestRow99_StandbyIsNotJudged(t *testing.T) {
	t.Parallel()
	p := newPair(t, nil)
	h, a := newPairHarness(t, p, false)
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	h.Stop(t)
	a.lead(t, p.standby)
	p.walreceiver(t)
	h.Launch(t)
	err := h.Wait(t)
	if status.ExitCode(err) != status.ExitRequirement || !strings.Contains(err.Error(), "standby") ||
		strings.Contains(err.Error(), "recover -c") || strings.Contains(err.Error(), "slot") {
		t.Errorf("the start ended with %v", err)
	}
	r, err := recover.Open(t.Context(), recover.Options{
		Config: h.Config, Rows: recover.Selection{All: true}, Force: true, Log: zap.NewNop(),
	})
	if err == nil {
		_, err = r.Examine(t.Context())
		r.Close(t.Context())
	}
	if err == nil || !strings.Contains(err.Error(), "standby") || strings.Contains(err.Error(), "does not exist") {
		t.Errorf("recover ends with %v", err)
	}

	conn, err := wiring.Target(h.Config).SQL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	// as status asks
	if _, err := catalog.ReadSlot(t.Context(), conn, h.Config.Postgres.Slot); postgres.KindOf(err) != postgres.Standby {
		t.Errorf("the slot's status is %v", err)
	}

	// Nobody is the primary: waited for, with what each host has answered.
	if err := p.primary.Stop(t.Context(), devstack.StopFast); err != nil {
		t.Fatal(err)
	}
	h.Configure(t, keys{"postgres.url": both(p.primary, p.standby)})
	h.Launch(t)
	h.Until(t, "the relay to name both", func() bool {
		reason := h.Status().Reason
		return strings.Contains(reason, p.standby.Addr()+": this server is a standby") &&
			strings.Contains(reason, p.primary.Addr()+": connection refused")
	})
	if reason := h.Status().Reason; strings.Contains(reason, "TLS") || strings.Contains(reason, "ssl") {
		t.Errorf("the reason is %q", reason)
	}
	if err := p.primary.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Reconnect(t, p.primary)
	h.Exec(t, relaytest.Insert("k", 2))
	h.Confirmed(t)
	h.Stop(t)
}
