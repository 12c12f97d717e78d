//go:build faults

package faults_test

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/oracle"
	"github.com/walpost/walpost/internal/cli"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// makeExactlyOnce makes a relay one whose events are visible exactly once.
func (h *harness) makeExactlyOnce(t *testing.T) {
	t.Helper()
	h.Configure(t, keys{
		"delivery.guarantee": "exactly_once", "delivery.position_topic": relaytest.Prefix + ".positions",
		"kafka.topics.create": true, "kafka.topics.replication_factor": 1,
	})
}

// onceCommitted checks that a reader of committed records sees each committed event once, in order, and besides them so
// many that the server does not have.
func (h *harness) onceCommitted(t *testing.T, phantoms int) {
	t.Helper()
	committed, err := oracle.Committed(t.Context(), h.DB.Conn, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	r := relaytest.CompareCommitted(t, committed, h.Kafka, h.Topic)
	if r.Lost != 0 || r.Repeats != 0 || r.OutOfOrder != 0 || r.Phantom != phantoms {
		t.Errorf("%v, want %d of an old timeline", r, phantoms)
	}
}

// typed is the command in the hint of a halt.
var typed = regexp.MustCompile("`walpost (position [^`]*--set [^`]*)`")

// haltsAndTypes waits for a halt with exit code 4 that has these words, and types the command that it, or the command that
// it names, says.
func (h *harness) haltsAndTypes(t *testing.T, words string, command *regexp.Regexp) {
	t.Helper()
	halt, is := errors.AsType[*status.Halt](h.Wait(t))
	if !is || halt.Code != status.ExitHalted || !strings.Contains(halt.Error(), words) {
		t.Fatalf("ended with %v, want a halt for %q", halt, words)
	}
	text := halt.Error()
	if command.FindString(text) == "" { // it names the command that says it
		var out bytes.Buffer
		if code := cli.Main([]string{"position", "-c", h.Config.File}, strings.NewReader(""), &out, &out); code != status.ExitRequirement {
			t.Fatalf("walpost position: exit code %d, %s", code, &out)
		}
		text = out.String()
	}
	found := command.FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no command in %q", text)
	}
	var out bytes.Buffer
	if code := cli.Main(append(strings.Fields(found[1]), "--yes"), strings.NewReader(""), &out, &out); code != 0 {
		t.Fatalf("walpost %s: exit code %d, %s", found[1], code, &out)
	}
}

// A failover that loses nothing, under load: the relay continues on the new timeline, and after a restart too.
func TestExactlyOnceFailover(t *testing.T) {
	t.Parallel()
	p := newPair(t, nil)
	p.configure(t, "synchronized_standby_slots = 'phys'", "synchronous_standby_names = 'phys'")
	h, a := newPairHarness(t, p, true)
	h.makeExactlyOnce(t)
	h.Start(t)
	p.synced(t, h)
	h.Confirmed(t)
	h.Exec(t, inserts(2001, 2500)) // some are under way when the primary dies
	p.promote(t, h, a)
	h.State(t, status.Streaming)
	h.Exec(t, inserts(3001, 3100))
	h.Confirmed(t)
	h.Stop(t)
	h.Start(t)
	h.Exec(t, inserts(4001, 4100))
	h.Confirmed(t)
	h.Stop(t)
	h.onceCommitted(t, 0)
}

// A failover to a standby that was behind: events were published that the new primary does not have. The relay halts, its
// next start says what to type, and after that nothing is lost and nothing comes twice of what the new primary has.
func TestExactlyOnceFailoverToAStandbyThatWasBehind(t *testing.T) {
	t.Parallel()
	p := newPair(t, nil)
	h, a := newPairHarness(t, p, true)
	h.makeExactlyOnce(t)
	h.Start(t)
	p.synced(t, h)
	h.Confirmed(t)
	const beyond = 30
	p.diesBeyond(t, h, beyond)
	if err := p.standby.Exec(t.Context(), "postgres", "SELECT pg_promote()"); err != nil {
		t.Fatal(err)
	}
	a.lead(t, p.standby)
	h.Halts(t, status.ExitHalted, "events were read that the server does not have", "start walpost again")
	h.Reconnect(t, p.standby)
	h.Exec(t, inserts(1001, 1050))
	h.Launch(t)
	h.haltsAndTypes(t, "events were published that the server does not have", typed)
	h.Start(t)
	h.Exec(t, inserts(2001, 2050))
	h.Confirmed(t)
	h.Stop(t)
	h.onceCommitted(t, beyond)
}

// Another cluster answers at the start: the relay halts, and begins with that cluster's slot once an operator has said so.
func TestExactlyOnceAnotherCluster(t *testing.T) {
	t.Parallel()
	one, other := ownServer(t, 0, nil), ownServer(t, 0, nil)
	a := newAddress(t, one)
	h := newHarnessOn(t, one, keys{"postgres.url": one.URLVia(a.addr(), "postgres", "", "postgres")})
	h.makeExactlyOnce(t)
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	h.Stop(t)
	slot := h.Config.Postgres.Slot
	err := other.Exec(t.Context(), "postgres", relaytest.OutboxDDL,
		"CREATE PUBLICATION "+slot+" FOR TABLE outbox WITH (publish = 'insert')",
		"SELECT pg_create_logical_replication_slot('"+slot+"', 'pgoutput')", relaytest.Insert("k", 2))
	if err != nil {
		t.Fatal(err)
	}
	a.lead(t, other)
	h.Reconnect(t, other)
	h.Launch(t)
	h.haltsAndTypes(t, "another Postgres cluster", typed)
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 3))
	h.Confirmed(t)
	h.Stop(t)
	h.onceCommitted(t, 1)
}
