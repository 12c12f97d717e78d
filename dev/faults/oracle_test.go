package faults_test

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/oracle"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// judge compares the topic with the table: nothing lost, no phantom, order per key.
// Repeats are the caller's to judge. Where the slot was sampled, it checks rule A.
func (h *harness) judge(t *testing.T) *oracle.Report {
	t.Helper()
	committed, err := oracle.Committed(t.Context(), h.DB.Conn, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	return h.compare(t, committed)
}

// compare is judge where the table no longer says what was committed.
func (h *harness) compare(t *testing.T, committed []oracle.Event) *oracle.Report {
	t.Helper()
	report := relaytest.Compare(t, committed, h.Kafka, h.Topic)
	if !report.Kept() || report.Committed == 0 {
		t.Errorf("%v", report)
	}
	if h.sampling != nil {
		h.sampling.judge(t, h)
	}
	t.Log(report)
	return report
}

// exactlyOnce is judge where nothing may be repeated.
func (h *harness) exactlyOnce(t *testing.T) {
	t.Helper()
	if r := h.judge(t); r.Repeats != 0 {
		t.Errorf("repeated: %v", r)
	}
}

// sampler looks, all the time, at what the slot is confirmed up to and after that at
// what Kafka has: rule A of the oracle, "confirmed_flush_lsn never passed a
// transaction that was not in Kafka".
type sampler struct {
	stop    context.CancelFunc
	done    chan struct{}
	first   chan struct{} // closed when there is a sample
	samples []sample
}

type sample struct {
	confirmed uint64
	ends      []int64 // of each partition, read after confirmed
}

const (
	samplePeriod = 50 * time.Millisecond
)

// sample begins to sample. Call it before events are written.
func (h *harness) sample(t *testing.T) {
	t.Helper()
	client, err := h.Kafka.Client()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &sampler{stop: cancel, done: make(chan struct{}), first: make(chan struct{})}
	h.sampling = s
	server, database, slot := h.DB.Server, h.DB.Name, h.Config.Postgres.Slot
	go func() {
		defer close(s.done)
		defer client.Close()
		for ctx.Err() == nil {
			conn, err := server.Connect(ctx, database)
			if err != nil {
				continue
			}
			s.run(ctx, conn, client, slot, h.Topic)
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-s.done
	})
}

// run samples until an error: then the caller connects again.
func (s *sampler) run(ctx context.Context, conn *pgx.Conn, client sarama.Client, slot, topic string) {
	tick := time.NewTicker(samplePeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var confirmed int64
		if err := conn.QueryRow(ctx, "SELECT coalesce(max(confirmed_flush_lsn - '0/0'), 0)::bigint FROM pg_replication_slots WHERE "+
			"slot_name = $1", slot).Scan(&confirmed); err != nil {
			return
		}
		now := sample{confirmed: uint64(confirmed)}
		for p := range int32(relaytest.Partitions) {
			end, err := client.GetOffset(topic, p, sarama.OffsetNewest)
			if err != nil {
				return
			}
			now.ends = append(now.ends, end)
		}
		if s.samples = append(s.samples, now); len(s.samples) == 1 {
			close(s.first)
		}
	}
}

// judge ends the sampling and checks each sample: every record of a transaction
// whose commit lies below the confirmed LSN was in its partition. A test may be over
// before the first look: it is waited for.
func (s *sampler) judge(t *testing.T, h *harness) {
	t.Helper()
	devstacktest.Receive(t, "the first sample of the slot", s.first)
	s.stop()
	<-s.done
	records, err := h.Kafka.Records(t.Context(), h.Topic)
	if err != nil {
		t.Fatal(err)
	}
	reach := reaches(t, records)
	for _, sample := range s.samples {
		for p, end := range sample.ends {
			if at, passed := reach[p].beyond(sample.confirmed, end); passed {
				t.Errorf("the slot was confirmed up to %X when commit %X was not in Kafka", sample.confirmed, at)
				return
			}
		}
	}
	t.Logf("confirmed_flush_lsn was sampled %d times", len(s.samples))
}

// reach is the commits in one partition in their order, and up to which offset they
// and those before them reach.
type reach struct {
	commits []uint64
	offsets []int64
}

// reaches takes the first record of each position: repeats come later.
func reaches(t *testing.T, records []*sarama.ConsumerMessage) *[relaytest.Partitions]reach {
	t.Helper()
	first := map[string]*sarama.ConsumerMessage{}
	for _, r := range records {
		if have, ok := first[position(r)]; !ok || r.Offset < have.Offset {
			first[position(r)] = r
		}
	}
	var all [relaytest.Partitions]reach
	for _, at := range slices.Sorted(maps.Keys(first)) {
		commit, err := strconv.ParseUint(strings.Split(at, "/")[0], 16, 64)
		if err != nil {
			t.Fatalf("position %q: %v", at, err)
		}
		r := &all[first[at].Partition]
		offset := first[at].Offset
		if n := len(r.offsets); n > 0 {
			offset = max(offset, r.offsets[n-1])
		}
		r.commits, r.offsets = append(r.commits, commit), append(r.offsets, offset)
	}
	return &all
}

// beyond reports whether a commit below the confirmed LSN lay at or behind the
// partition's end.
func (r *reach) beyond(confirmed uint64, end int64) (commit uint64, passed bool) {
	n, _ := slices.BinarySearch(r.commits, confirmed)
	if n == 0 || r.offsets[n-1] < end {
		return 0, false
	}
	return r.commits[n-1], true
}

// position is the record's position header.
func position(r *sarama.ConsumerMessage) string {
	for _, h := range r.Headers {
		if string(h.Key) == "walpost-position" {
			return string(h.Value)
		}
	}
	return ""
}
