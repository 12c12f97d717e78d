package relay_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/internal/assemble"
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/pgoutput/pgoutputtest"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/replication/walsendertest"
	"github.com/walpost/walpost/internal/status"
)

// All brokers are down for ten minutes while a transaction is committed every 100
// ms: memory stays within delivery.in_flight, the walsender is kept alive until the
// relay hibernates, the log stays short, and afterwards everything is in Kafka once
// and in order. In virtual time, with a scripted walsender and a broker in the
// process; for some seconds and on real servers it is dev/faults,
// TestRow19_AllBrokersDown.
func TestRow19_TenMinutesWithoutKafka(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name           string
		hibernateAfter time.Duration
		states         []status.State
		streams        int
	}{
		{"hibernates", time.Minute, []status.State{status.KafkaUnavailable, status.Hibernating}, 2},
		{"stays connected", time.Hour, []status.State{status.KafkaUnavailable}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := virtualKeys.With(keys{"delivery.in_flight": "256KiB"}).Load(t)
			cfg.Postgres.HibernateAfter = tc.hibernateAfter
			synctest.Test(t, func(t *testing.T) { tenMinutes(t, cfg, tc.states, tc.streams) })
		})
	}
}

const (
	commitEvery  = 100 * time.Millisecond
	outageBegins = 10 * time.Second
	outageLasts  = 10 * time.Minute
)

func tenMinutes(t *testing.T, cfg *config.Config, states []status.State, streams int) {
	network := &plug{}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(9093), kfake.SeedTopics(4, "order"), kfake.ListenFn(network.Listen))
	if err != nil {
		t.Fatal(err)
	}
	defer awaitClosed()
	defer cluster.Close()
	core, logs := observer.New(zap.InfoLevel)
	r, err := assemble.Relay(cfg, &relaytest.Counts{}, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	sender := &sender{begun: time.Now()}
	server := &walsendertest.Server{SystemID: "1", Timeline: 1, Confirmed: 0x100, SenderTimeout: time.Minute, Script: sender.stream}
	r.InMemory(server.Dial, network.DialContext)
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- r.Run(t.Context(), stop) }()

	pause.Virtual(outageBegins)
	if st := r.Status(); st.State != status.Streaming {
		t.Fatalf("before the outage it is %+v", st)
	}
	network.pull()
	seen, most := watchOutage(r, cfg.Postgres.HibernateAfter)
	network.restore()
	for _, state := range states {
		if !seen[state] {
			t.Errorf("it was never %s, but %v", state, seen)
		}
	}
	if limit := int64(cfg.Delivery.InFlight); most < limit || most > limit+64<<10 {
		t.Errorf("%d bytes in flight at most, and delivery.in_flight is %d", most, limit)
	}
	pause.Virtual(time.Minute)
	if st, report := r.Status(), r.Report(""); st.State != status.Streaming || !report.Ready() {
		t.Errorf("after the outage it is %+v", st)
	}
	close(stop)
	if err := <-done; err != nil {
		t.Errorf("ended with %v", err)
	}
	judgeLog(t, logs)
	consumeOnce(t, network, sender.judge(t, streams))
}

// watchOutage looks at the relay for ten minutes.
func watchOutage(r *relay.Relay, hibernateAfter time.Duration) (seen map[status.State]bool, most int64) {
	seen = map[status.State]bool{}
	for range int(outageLasts / time.Second) {
		pause.Virtual(time.Second)
		seen[r.Status().State] = true
		_, bytes := r.InFlight()
		most = max(most, bytes)
	}
	return seen, most
}

// judgeLog checks that the outage was said at once, then rarely, and its end with
// its duration.
func judgeLog(t *testing.T, logs *observer.ObservedLogs) {
	t.Helper()
	count := map[string]int{}
	for _, e := range logs.All() {
		count[e.Message]++
		if e.Message == "Kafka is reachable again" {
			if after, ok := e.ContextMap()["after"].(time.Duration); !ok || after < outageLasts-time.Minute ||
				after > outageLasts+time.Minute {
				t.Errorf("the outage is said to have lasted %v", e.ContextMap()["after"])
			}
		}
	}
	if n := count["Kafka is not reachable, records wait"]; n < 2 || n > int(outageLasts/(30*time.Second))+1 {
		t.Errorf("%d lines about the outage", n)
	}
	if n := count["Kafka is reachable again"]; n != 1 {
		t.Errorf("%d lines about its end", n)
	}
	if most := int(outageLasts/(30*time.Second))*3 + 20; logs.Len() > most {
		t.Errorf("%d lines in ten minutes: %v", logs.Len(), count)
	}
}

// consumeOnce checks that the topic holds 1..n once each, rising within each key.
func consumeOnce(t *testing.T, network *plug, n int) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers("127.0.0.1:9093"), kgo.Dialer(network.DialContext), kgo.ConsumeTopics("order"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	last, got := map[string]int{}, 0
	for got < n && ctx.Err() == nil {
		for _, r := range cl.PollFetches(ctx).Records() {
			var number int
			if _, err := fmt.Sscanf(string(r.Value), `{"n": %d`, &number); err != nil {
				t.Fatal(err)
			}
			// Each key has every seventh number: a rise by seven is order, and no gap and no repeat.
			if key := string(r.Key); last[key] != 0 && number != last[key]+aggregates {
				t.Fatalf("key %s: %d after %d", key, number, last[key])
			}
			last[string(r.Key)] = number
			got++
		}
	}
	if got != n {
		t.Errorf("%d records in Kafka, want %d", got, n)
	}
	t.Logf("%d records, each once and in order", got)
}

const aggregates = 7

// sender is a walsender whose database commits a transaction every 100 ms. Each
// stream begins with the first one, as after a crash of Postgres, which may forget
// what was confirmed.
type sender struct {
	begun time.Time

	mu      sync.Mutex
	longest time.Duration // between two status updates
	streams int
	last    int          // highest transaction sent
	flushed pgoutput.LSN // highest confirmed
}

func (s *sender) stream(st *walsendertest.Stream) error {
	s.mu.Lock()
	s.streams++
	s.mu.Unlock()
	ended := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() { s.send(st, ended) })
	defer sending.Wait()
	defer close(ended)
	for before := time.Now(); ; {
		status, over, err := st.Status()
		if over || err != nil {
			return err
		}
		s.mu.Lock()
		s.longest, before = max(s.longest, time.Since(before)), time.Now()
		s.flushed = max(s.flushed, status.Flush)
		s.mu.Unlock()
	}
}

// send sends what is committed, when it is, until the stream has ended.
func (s *sender) send(st *walsendertest.Stream, ended <-chan struct{}) {
	for n := 1; ; n++ {
		pause.Virtual(time.Until(s.begun.Add(time.Duration(n) * commitEvery)))
		select {
		case <-ended:
			return
		default:
		}
		commit := pgoutput.LSN(0x1000 * n)
		row := pgoutputtest.Row(fmt.Sprint("id-", n), "order", fmt.Sprint("k", n%aggregates), "Created",
			fmt.Sprintf(`{"n": %d, "pad": "%0500d"}`, n, n))
		if err := st.Send(
			pgoutputtest.AppendBegin(nil, &pgoutput.Begin{CommitLSN: commit, CommitTime: time.Now(), XID: 7}),
			pgoutputtest.AppendRelation(nil, pgoutputtest.Outbox()),
			pgoutputtest.AppendInsert(nil, pgoutputtest.Outbox().ID, row),
			pgoutputtest.AppendCommit(nil, &pgoutput.Commit{CommitLSN: commit, EndLSN: commit + 0x30, CommitTime: time.Now()}),
		); err != nil {
			return // the client has gone
		}
		s.mu.Lock()
		s.last = max(s.last, n)
		s.mu.Unlock()
	}
}

// judge checks that the walsender never had to give the relay up, and that what it
// sent was confirmed, but for what was on its way at the stop. It gives the number
// of transactions confirmed.
func (s *sender) judge(t *testing.T, streams int) int {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.longest > 30*time.Second {
		t.Errorf("%v between two status updates, and wal_sender_timeout is a minute", s.longest)
	}
	if s.streams != streams {
		t.Errorf("%d streams, want %d", s.streams, streams)
	}
	n := int(s.flushed / 0x1000)
	if n < s.last-1 || s.flushed != pgoutput.LSN(0x1000*n+0x30) {
		t.Errorf("confirmed up to %s of %d transactions sent", s.flushed, s.last)
	}
	return n
}

// plug is a network in memory that can be pulled: connections close and new ones
// are refused.
type plug struct {
	kfake.VirtualNetwork

	mu    sync.Mutex
	out   bool
	conns []net.Conn
}

func (p *plug) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out {
		return nil, errors.New("connection refused")
	}
	conn, err := p.VirtualNetwork.DialContext(ctx, network, addr)
	if err == nil {
		p.conns = append(p.conns, conn)
	}
	return conn, err
}

func (p *plug) pull() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = true
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

func (p *plug) restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = false
}
