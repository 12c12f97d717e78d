package faults_test

import (
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// onceHarness is a relay whose events are visible exactly once: a process that is killed,
// frozen and started again. Its transactions reach the partitions of two topics.
type onceHarness struct {
	*harness

	relay *clitest.Walpost // that runs now
	kills int
	ended map[int]int // how many of those that were replaced, by exit code
}

// onceOn makes a harness one of such a relay. Its servers are the test's own.
func onceOn(t *testing.T, h *harness, replicas int16) *onceHarness {
	t.Helper()
	h.spread = true
	h.Configure(t, keys{
		"delivery.guarantee": "exactly_once", "delivery.position_topic": relaytest.Prefix + ".positions",
		"kafka.topics.create": true, "kafka.topics.replication_factor": replicas,
	})
	if err := h.Kafka.CreateTopic(t.Context(), h.topics()[1], relaytest.Partitions, replicas, nil); err != nil {
		t.Fatal(err)
	}
	clitest.Start(t, "init", "-c", h.Config.File).Exits(t, 0)
	return &onceHarness{harness: h, ended: map[int]int{}}
}

// topics are those of the events, and of the positions.
func (h *harness) topics() []string {
	return []string{h.Topic, h.Prefix + ".payment", h.Prefix + ".positions"}
}

// start starts the relay.
func (h *onceHarness) start(t *testing.T) {
	t.Helper()
	h.relay = h.spawn(t)
}

// kill kills the relay, and starts another.
func (h *onceHarness) kill(t *testing.T) {
	t.Helper()
	h.relay.Kill(t)
	h.kills++
	h.start(t)
}

// goesOn waits until the relay that runs has published and confirmed what is committed now.
func (h *onceHarness) goesOn(t *testing.T) {
	t.Helper()
	h.relay.Writes(t, "continuing after the position in Kafka")
	h.relay.Until(t, "the slot to be confirmed", devstacktest.Confirmed(t, h.DB.Conn, h.Config.Postgres.Slot))
}

// end ends the writers, and the relay in order, and judges.
func (h *onceHarness) end(t *testing.T, w *writers) {
	t.Helper()
	w.end()
	h.goesOn(t)
	h.relay.Terminate(t)
	h.relay.Exits(t, 0)
	h.once(t)
	t.Logf("%d kills so far; replaced, by exit code: %v", h.kills, h.ended)
}

// once checks that a reader of committed records sees each committed event once, in order.
func (h *harness) once(t *testing.T) {
	t.Helper()
	relaytest.Once(t, h.DB.Conn, h.Kafka, h.topics()[:2]...)
}

// Everything fails at random, on both sides of a relay that is killed, frozen and replaced
// meanwhile.
func TestExactlyOnceChaos(t *testing.T) {
	t.Parallel()
	servers, lanes := chaotic(t)
	h := onceOn(t, servers, 1)
	h.start(t)
	w := h.write(t)
	rnd := devstacktest.Rand(t)
	until := time.Now().Add(chaosLasts)
	healed := rage(t, devstacktest.Split(rnd), until, lanes)
	for time.Now().Before(until) {
		h.suffers(t, rnd)
	}
	healed()
	h.Reconnect(t, h.DB.Server)
	h.replace(t) // an InitProducerId that the network held may have fenced it
	h.end(t, w)
}

// takenOver is in what a relay writes that another has fenced.
const takenOver = "taken over"

// ends kills a relay. If it has ended by itself it was fenced, and its last words say whether another runs, and where.
func (h *onceHarness) ends(t *testing.T, relay *clitest.Walpost) {
	t.Helper()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	code := relay.KillAnyway(t)
	h.ended[code]++
	words := map[int]string{
		status.ExitFenced:     `"another relay has taken over","detail":"it runs on host ` + host + `"`,
		status.ExitUnexpected: `"another relay may have taken over, or a request of a former one was late"`,
	}[code]
	if code != killed && (words == "" || !strings.Contains(lastWords(relay), words)) {
		t.Fatalf("a relay has ended with %d before it was killed; its last words: %s", code, lastWords(relay))
	}
}

// killed is the exit code of a process that a signal has ended.
const killed = -1

// lastWords returns the line with which a relay has halted.
func lastWords(relay *clitest.Walpost) (line string) {
	for l := range strings.Lines(relay.Log.String()) {
		if strings.Contains(l, `"halted"`) {
			line = l
		}
	}
	return line
}

// replace kills the relay, if it was not fenced, and starts another.
func (h *onceHarness) replace(t *testing.T) {
	t.Helper()
	h.ends(t, h.relay)
	h.kills++
	h.start(t)
}

// suffers lets something happen to the relay itself.
func (h *onceHarness) suffers(t *testing.T, rnd *rand.Rand) {
	t.Helper()
	pause.Real(t, devstacktest.Upto(rnd, 3*time.Second), "something is to pass, too")
	last := devstacktest.Upto(rnd, 5*time.Second)
	fate := rnd.IntN(4)
	if strings.Contains(h.relay.Log.String(), takenOver) {
		fate = -1
	}
	switch fate {
	case 0:
		t.Logf("relay: frozen for %s", last)
		h.relay.Signal(t, syscall.SIGSTOP)
		pause.Real(t, last, during)
		h.relay.Signal(t, syscall.SIGCONT)
	case 1:
		t.Logf("relay: frozen, and wakes beside another after %s", last)
		old := h.relay
		old.Signal(t, syscall.SIGSTOP)
		h.start(t)
		pause.Real(t, last, during)
		old.Signal(t, syscall.SIGCONT)
		pause.Real(t, last, "two relays run")
		h.ends(t, old)
		h.replace(t) // one that wakes before it has fenced anybody fences the one beside it
	default:
		t.Log("relay: killed")
		h.replace(t)
	}
}

// Each fault of the network, on the way to Kafka and on the way to Postgres, under a relay
// that lives through all of them.
func TestExactlyOnceNetworkFaults(t *testing.T) {
	t.Parallel()
	servers, toPostgres := proxied(t, brisk())
	toKafka := servers.ownKafka(t)
	h := onceOn(t, servers, 1)
	h.Start(t)
	w := h.write(t)
	for _, way := range []struct {
		name  string
		proxy *devstack.Proxy
	}{{"Kafka", toKafka}, {"Postgres", toPostgres}} {
		for _, fault := range onNetwork(t, way.proxy) {
			for range onceRounds {
				h.Passes(t, 50)
				t.Logf("way to %s: %s", way.name, fault.name)
				if err := fault.strike(t.Context(), time.Second); err != nil {
					t.Fatal(err)
				}
			}
		}
		h.Passes(t, 50)
	}
	h.halfOpen(t, toKafka, status.KafkaUnavailable, halfOpen)
	h.halfOpen(t, toPostgres, status.Connecting, 0)
	w.end()
	h.Confirmed(t)
	h.Stop(t)
	h.once(t)
}

// halfOpen swallows everything until the relay has noticed, and for some time more.
func (h *onceHarness) halfOpen(t *testing.T, p *devstack.Proxy, noticed status.State, more time.Duration) {
	t.Helper()
	p.Blackhole()
	h.State(t, noticed)
	pause.Real(t, more, during)
	p.Cut()
	p.Heal()
	h.Passes(t, 50)
}
