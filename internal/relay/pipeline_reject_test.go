package relay_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/dlt"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// Under `stop` the relay halts at the record, with everything before it in Kafka
// and confirmed, and nothing after it.
func TestRejectedRecordHalts(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1), relaytest.Insert("k", 2))
	h.Exec(t, "BEGIN", relaytest.Insert("k", 3), `INSERT INTO outbox (aggregatetype, aggregateid, payload) VALUES ('no/topic', 'k', `+
		`'{"n": 4}')`, "COMMIT", relaytest.Insert("k", 5))
	err := h.Wait(t)
	halt, ok := errors.AsType[*status.Halt](err)
	if !ok || halt.Code != status.ExitHalted {
		t.Fatalf("ended with %v", err)
	}
	if got := h.consume(t, h.Topic, 3); len(got) != 3 {
		t.Errorf("%d records, want the 3 before it", len(got))
	}
	h.Released(t)
	var waiting int
	if err := h.DB.Conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_logical_slot_peek_binary_changes($1, NULL::pg_lsn, NULL::int, "+
		"'proto_version', '1', 'publication_names', $2) WHERE get_byte(data, 0) = ascii('I')",
		h.Config.Postgres.Slot, h.Config.Postgres.Publication).Scan(&waiting); err != nil {
		t.Fatal(err)
	}
	if waiting != 3 {
		t.Errorf("%d rows wait in the slot, want the rejected one's transaction and the one after it: 3", waiting)
	}
}

func TestRejectedRecordGoesWhereThePolicySays(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"skip", "dead_letter"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, relaytest.Options{Keys: rejects(policy)})
			dead := h.Config.Delivery.DeadLetter.String()
			if err := h.Kafka.CreateTopic(t.Context(), dead, 1, 1, nil); err != nil {
				t.Fatal(err)
			}
			h.Start(t)
			h.Exec(t, "BEGIN", relaytest.Insert("k", 1),
				`INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('no/topic', 'k', 'T', '{"n": 2}')`,
				relaytest.Insert("k", 3), "COMMIT")
			h.consume(t, h.Topic, 2)
			h.Confirmed(t)
			if h.Seen.Rejections.Load() != 1 {
				t.Errorf("%d rejected", h.Seen.Rejections.Load())
			}
			if policy == "skip" {
				return
			}
			r := h.consume(t, dead, 1)[0]
			if string(r.Value) != `{"n": 2}` || string(r.Headers[1].Value) != "T" || r.Headers[2].Key != "walpost-dlt-topic" {
				t.Errorf("dead letter %q %q", r.Value, r.Headers)
			}
			if n := h.Seen.DeadLetters.Load(); n != 1 {
				t.Errorf("%d dead letters counted", n)
			}
		})
	}
}

// A row that names a dead letter topic is rejected as the policy says, and never published
// there as an event.
func TestRowCannotNameDeadLetterTopic(t *testing.T) {
	t.Parallel()
	const row = `INSERT INTO outbox (aggregatetype, aggregateid, payload) VALUES ('%s', 'k', '{"n": 2}')`
	t.Run("stop", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, relaytest.Options{})
		h.Start(t)
		h.Exec(t, relaytest.Insert("k", 1), fmt.Sprintf(row, "orders.DLT"))
		err := h.Wait(t)
		if halt, ok := errors.AsType[*status.Halt](err); !ok || halt.Code != status.ExitHalted ||
			!strings.Contains(halt.Detail, "is that of a dead letter topic") {
			t.Fatalf("ended with %v", err)
		}
	})
	t.Run("dead_letter", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, relaytest.Options{Keys: rejects("dead_letter")})
		dead := h.Config.Delivery.DeadLetter.String()
		if err := h.Kafka.CreateTopic(t.Context(), dead, 1, 1, nil); err != nil {
			t.Fatal(err)
		}
		aggregate, ok := strings.CutPrefix(dead, h.Config.Outbox.Topic[0].Literal)
		if !ok {
			t.Fatalf("%s cannot be named by a row of %s", dead, h.Config.Outbox.Topic)
		}
		h.Start(t)
		h.Exec(t, fmt.Sprintf(row, aggregate), relaytest.Insert("k", 1))
		h.consume(t, h.Topic, 1)
		h.Confirmed(t)
		r := h.consume(t, dead, 1)[0]
		headers := map[string]string{}
		for _, header := range r.Headers {
			headers[header.Key] = string(header.Value)
		}
		if headers[dlt.HeaderReason] != record.ReasonDeadLetter || headers[dlt.HeaderTopic] != dead {
			t.Errorf("in the dead letter topic: %q %q, want it as a dead letter", r.Value, headers)
		}
	})
}
