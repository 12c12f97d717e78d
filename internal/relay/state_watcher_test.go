package relay_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/internal/assemble"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/replication/walsendertest"
	"github.com/walpost/walpost/internal/status"
)

// virtual is a relay in virtual time, between a scripted walsender and a broker in
// the process.
type virtual struct {
	relay   *relay.Relay
	network *plug
	cluster *kfake.Cluster
	seen    *relaytest.Counts
	stop    chan struct{}
	done    chan error
}

// virtualKeys are the keys of a relay whose servers are in this process.
var virtualKeys = keys{
	"name": "virtual", "postgres.url": "postgres://walpost@127.0.0.1:5432/db?sslmode=disable",
	"kafka.brokers": []string{"127.0.0.1:9093"}, "outbox.topic": "{aggregatetype}",
}

func startVirtual(t *testing.T, script func(*walsendertest.Stream) error, extra keys) *virtual {
	t.Helper()
	return startVirtualLogged(t, script, extra, zap.NewNop())
}

func startVirtualLogged(t *testing.T, script func(*walsendertest.Stream) error, extra keys, log *zap.Logger) *virtual {
	t.Helper()
	server := &walsendertest.Server{SystemID: "1", Timeline: 1, Confirmed: 0x100, SenderTimeout: time.Minute, Script: script}
	return startVirtualOn(t, server, extra, log)
}

func startVirtualOn(t *testing.T, server *walsendertest.Server, extra keys, log *zap.Logger) *virtual {
	t.Helper()
	cfg := virtualKeys.With(extra).Load(t)
	v := &virtual{network: &plug{}, seen: &relaytest.Counts{}, stop: make(chan struct{}), done: make(chan error, 1)}
	var err error
	v.cluster, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(9093), kfake.SeedTopics(4, "order"),
		kfake.ListenFn(v.network.Listen))
	if err != nil {
		t.Fatal(err)
	}
	if v.relay, err = assemble.Relay(cfg, v.seen, log); err != nil {
		t.Fatal(err)
	}
	v.relay.InMemory(server.Dial, v.network.DialContext)
	go func() { v.done <- v.relay.Run(t.Context(), v.stop) }()
	return v
}

func (v *virtual) end(t *testing.T) {
	t.Helper()
	close(v.stop)
	if err := <-v.done; err != nil {
		t.Errorf("ended with %v", err)
	}
	v.cluster.Close()
	awaitClosed()
}

// awaitClosed lets pgx close connections whose statements were cancelled, which it does
// beside the caller, within 15 s: in a bubble time stands once the test has returned.
func awaitClosed() { pause.Virtual(20 * time.Second) }

// within waits for a condition, and fails when it takes longer.
func within(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	for begun := time.Now(); !done(); pause.Virtual(10 * time.Millisecond) {
		if time.Since(begun) > limit {
			t.Fatalf("no %s after %v", what, limit)
		}
	}
}

// A relay without events asks Kafka and tells Postgres something every ten seconds,
// and no more often.
func TestIdleRelayIsQuiet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var statuses, requests atomic.Int32
		v := startVirtual(t, func(s *walsendertest.Stream) error {
			for {
				_, over, err := s.Status()
				if over || err != nil {
					return err
				}
				statuses.Add(1)
			}
		}, nil)
		defer v.end(t)
		v.cluster.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
			v.cluster.KeepControl()
			requests.Add(1)
			return nil, nil, false
		})
		pause.Virtual(time.Minute) // what belongs to the start
		statuses.Store(0)
		requests.Store(0)
		pause.Virtual(10 * time.Minute)
		for what, n := range map[string]int32{"status updates": statuses.Load(), "requests to Kafka": requests.Load()} {
			if n < 50 || n > 61 {
				t.Errorf("%d %s in ten minutes, want one every ten seconds", n, what)
			}
		}
	})
}

// The state follows what Kafka does as soon as the producer knows, although nothing
// looks at it from time to time.
func TestStateFollowsKafkaAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const prompt = 600 * time.Millisecond
		sender := &sender{begun: time.Now()}
		v := startVirtual(t, sender.stream, keys{"delivery.in_flight": "512KiB"})
		defer v.end(t)
		var code atomic.Int32 // what Kafka answers to a batch; 0: the truth
		v.cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
			v.cluster.KeepControl()
			req, ok := r.(*kmsg.ProduceRequest)
			if !ok || code.Load() == 0 {
				return nil, nil, false
			}
			return devstack.RefuseProduce(req, int16(code.Load())), nil, true
		})
		state := func(want status.State) func() bool {
			return func() bool { return v.relay.Status().State == want }
		}
		condition := func(name string, there bool) func() bool {
			return func() bool {
				return there == slices.ContainsFunc(v.relay.Report("").Conditions, func(c status.Condition) bool { return c.Name == name })
			}
		}
		full := func() bool { _, bytes := v.relay.InFlight(); return bytes >= 512<<10 }

		within(t, time.Second, "stream", state(status.Streaming))
		for range 3 {
			code.Store(int32(kerr.TopicAuthorizationFailed.Code))
			within(t, 10*time.Second, "denial", condition(status.ConditionDenied, true))
			within(t, prompt, "state that says so", state(status.KafkaUnavailable))
			code.Store(0)
			within(t, 10*time.Second, "end of the denial", condition(status.ConditionDenied, false))
			within(t, prompt, "state that says so", state(status.Streaming))

			v.network.pull()
			within(t, 20*time.Second, "outage", condition(status.ConditionKafka, true))
			within(t, prompt, "state that says so", state(status.KafkaUnavailable))
			v.network.restore()
			within(t, 10*time.Second, "end of the outage", condition(status.ConditionKafka, false))
			within(t, prompt, "state that says so", state(status.Streaming))

			code.Store(int32(kerr.NotEnoughReplicas.Code))
			within(t, 10*time.Minute, "full memory", full)
			within(t, prompt, "state that says so", state(status.Throttled))
			code.Store(0)
			within(t, 10*time.Second, "room", func() bool { return !full() })
			within(t, 10*time.Second, "end of what Kafka did not take", condition(status.ConditionStuck, false))
			within(t, prompt, "state that says so", state(status.Streaming))
		}
	})
}

// The guard does not wait for its time when the server goes on in the WAL: rows that
// are skipped are WAL, although they do not come.
func TestGuardLooksWhenRowsAreSkipped(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{})
	h.Prepare = func(r *relay.Relay) { r.SetGuardIdle(time.Hour) }
	h.Start(t)
	h.Until(t, "the guard's first look", h.Guarded)
	h.Exec(t, "ALTER PUBLICATION "+h.Config.Postgres.Publication+" DROP TABLE outbox", relaytest.Insert("k", 1))
	if code := status.ExitCode(h.Wait(t)); code != status.ExitHalted {
		t.Errorf("ended with exit code %d", code)
	}
}

// While nothing is written the guard leaves the server in peace for longer than
// between two looks otherwise.
func TestGuardIsQuietWhileNothingIsWritten(t *testing.T) {
	t.Parallel()
	postgres := devstacktest.StartPostgres(t, devstack.PostgresOptions{})
	h := newHarness(t, relaytest.Options{DB: devstacktest.DatabaseOn(t, postgres, "postgres")})
	h.Start(t)
	h.Until(t, "the guard's first look", h.Guarded)
	var last time.Time
	h.Until(t, "eight seconds between two looks", func() bool {
		before := last
		if err := h.DB.Conn.QueryRow(t.Context(), `SELECT max(query_start) FROM pg_stat_activity
			WHERE application_name LIKE 'walpost%' AND backend_type = 'client backend'
			AND pid <> pg_backend_pid()`).Scan(&last); err != nil {
			t.Fatal(err)
		}
		return !before.IsZero() && last.Sub(before) > 8*time.Second
	})
	h.Stop(t)
}
