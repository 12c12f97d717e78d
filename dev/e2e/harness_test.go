package e2e_test

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/oracle"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// rejected is an event that Kafka can never accept.
const rejected = `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('no/topic', 'k', 'Created', '{}')`

// keys are keys of a configuration.
type keys = configtest.Keys

// nowhere is a Kafka that does not answer.
var nowhere = keys{"kafka.brokers": []string{"127.0.0.1:1"}}

// harness is what a relay needs on real servers. The relay itself is a process, which
// reads Config.File.
type harness struct {
	*relaytest.Harness

	types []string // of aggregates, each with a topic; nil: order alone
}

func newHarness(t *testing.T, more keys) *harness {
	t.Helper()
	return with(t, relaytest.Options{Keys: more})
}

// with is newHarness with options of the servers.
func with(t *testing.T, o relaytest.Options) *harness {
	t.Helper()
	o.Keys = keys{"admin.listen": "127.0.0.1:0", "outbox.position_header": "walpost-position"}.With(o.Keys)
	return &harness{Harness: relaytest.New(t, &stack, o)}
}

// slots counts the relay's slot: 0 or 1.
func (h *harness) slots(t *testing.T) int {
	t.Helper()
	return devstacktest.Value[int](t, h.DB.Conn, "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '"+h.Config.Postgres.Slot+"'")
}

// released waits until nobody reads the slot, and gives what it is confirmed up
// to: from then on the server cannot know more. 0 when there is no slot.
func (h *harness) released(t *testing.T) lsn {
	t.Helper()
	devstacktest.Await(t, "the slot to be free", devstacktest.Released(t, h.DB.Conn, h.Config.Postgres.Slot))
	return lsn(devstacktest.Value[int64](t, h.DB.Conn,
		"SELECT coalesce(max(confirmed_flush_lsn - '0/0'), 0)::bigint FROM pg_replication_slots WHERE slot_name = '"+
			h.Config.Postgres.Slot+"'"))
}

// confirmed waits until the slot is confirmed up to all that was written so far.
func (h *harness) confirmed(t *testing.T, p *process) {
	t.Helper()
	p.Until(t, "the slot to be confirmed", devstacktest.Confirmed(t, h.DB.Conn, h.Config.Postgres.Slot))
}

// compare judges the topic's records against the table: that all are there and
// none else, in order, each with the key and the number of its row.
func (h *harness) compare(t *testing.T) *oracle.Report {
	t.Helper()
	committed, err := oracle.Committed(t.Context(), h.DB.Conn, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]oracle.Event{}
	for _, e := range committed {
		rows[e.ID] = e
	}
	var events []oracle.Event
	for _, r := range h.records(t) {
		if row, ok := rows[r.ID]; ok && row != r.Event {
			t.Errorf("the record is %+v, its row %+v", r.Event, row)
		}
		events = append(events, r.Event)
	}
	report := oracle.Compare(committed, events)
	if !report.Kept() {
		t.Errorf("%v", report)
	}
	return report
}
