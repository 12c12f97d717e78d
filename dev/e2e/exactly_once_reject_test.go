//go:build faults

package e2e_test

import (
	"fmt"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/oracle"
	"github.com/walpost/walpost/internal/crash"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// tooLarge is an event that a topic with max.message.bytes 2000 refuses.
const tooLarge = `INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload) VALUES ('00000000-0000-4000-8000-00000000dead',
	'order', 'z', 'Created', jsonb_build_object('n', 26, 'pad', repeat('x', 3000)))`

// backlog inserts events with these numbers under seven keys, in one transaction.
func backlog(from, to int) string {
	return fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		SELECT 'order', 'k' || i %% 7, 'Created', jsonb_build_object('n', i) FROM generate_series(%d, %d) i`, from, to)
}

// refusing returns a relay of a topic that refuses one event, with others before and behind it, in its transaction too.
func refusing(t *testing.T, policy string) *harness {
	t.Helper()
	h := with(t, relaytest.Options{
		TopicConfig: map[string]string{"max.message.bytes": "2000"},
		Keys:        exactlyOnce().With(keys{"kafka.compression": "none", "delivery.on_reject": policy}),
	})
	walpost(t, "init", "-c", h.Config.File).Exits(t, 0)
	for n := range 20 {
		h.Exec(t, backlog(n+1, n+1))
	}
	h.Exec(t, "BEGIN", backlog(21, 25), tooLarge, backlog(27, 30), "COMMIT", backlog(31, 40))
	return h
}

// The relay dies while it gives up a transaction with a refused record, or writes what comes before that record. The next
// one halts at the record all the same, and with the topic mended each event comes once.
func TestExactlyOnceKilledWhileARecordStopsIt(t *testing.T) {
	for _, step := range []struct {
		point string
		times int
	}{
		{crash.BeforeAdd, 2},
		{crash.Added, 2},
		{crash.BeforeProduce, 2},
		{crash.Acknowledged, 2},
		{crash.BeforeCommit, 1},
		{crash.Committed, 1},
	} {
		t.Run(step.point, func(t *testing.T) {
			h := refusing(t, "stop")
			h.crashes(t, step.point, step.times)
			h.released(t)
			walpost(t, "run", "-c", h.Config.File).Exits(t, 4, "00000000-0000-4000-8000-00000000dead")
			if r := h.report(t); r.Records != 25 || r.Lost != 15 || r.Repeats != 0 {
				t.Errorf("%v, want the 25 before it", r)
			}
			h.allows(t, "1000000")
			h.runsOnce(t)
			if r := h.report(t); !r.Kept() || r.Repeats != 0 {
				t.Errorf("%v", r)
			}
		})
	}
}

// A dead letter stands in the transaction of its event, and what is skipped is skipped in it: whenever the relay dies, both
// happen once.
func TestExactlyOnceKilledAtARejectedRecord(t *testing.T) {
	for _, policy := range []string{"dead_letter", "skip"} {
		for _, point := range []string{
			crash.BeforeAdd, crash.Added, crash.BeforeProduce, crash.Acknowledged, crash.BeforeCommit, crash.Committed,
		} {
			t.Run(policy+", "+point, func(t *testing.T) {
				h := refusing(t, policy)
				h.crashes(t, point, 1)
				h.released(t)
				h.runsOnce(t)
				if r := h.report(t); r.Records != 39 || r.Lost != 1 || r.Repeats != 0 || r.OutOfOrder != 0 {
					t.Errorf("%v, want all but one", r)
				}
				if policy == "skip" {
					return
				}
				client, err := h.Kafka.Client()
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = client.Close() }()
				dead, err := oracle.ConsumedCommitted(t.Context(), client, h.Topic+".DLT")
				if err != nil || len(dead) != 1 || dead[0].Number != 26 {
					t.Errorf("dead letters %+v (%v)", dead, err)
				}
			})
		}
	}
}

// report compares what is committed in the outbox with what a reader of committed records sees of the topic.
func (h *harness) report(t *testing.T) *oracle.Report {
	t.Helper()
	committed, err := oracle.Committed(t.Context(), h.DB.Conn, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	return relaytest.CompareCommitted(t, committed, h.Kafka, h.Topic)
}

// runsOnce runs the relay until everything is confirmed.
func (h *harness) runsOnce(t *testing.T) {
	t.Helper()
	p := walpost(t, "run", "-c", h.Config.File)
	h.confirmed(t, p)
	p.Terminate(t)
	p.Exits(t, 0)
}

// allows sets max.message.bytes of the topic.
func (h *harness) allows(t *testing.T, bytes string) {
	t.Helper()
	admin, err := h.Kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	if err := admin.AlterConfig(sarama.TopicResource, h.Topic, map[string]*string{"max.message.bytes": &bytes}, false); err != nil {
		t.Fatal(err)
	}
}
