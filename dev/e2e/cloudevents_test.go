package e2e_test

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// TestCloudEvents has an event in binary content mode, and a dead letter of a row without a type.
func TestCloudEvents(t *testing.T) {
	t.Parallel()
	h := with(t, relaytest.Options{
		DDL: relaytest.OutboxDDL + "; ALTER TABLE outbox ADD at timestamptz, ALTER type DROP NOT NULL",
		Keys: keys{
			"outbox.cloudevents": true, "outbox.timestamp": "at",
			"delivery.on_reject": "dead_letter", "delivery.dead_letter": "{topic}.DLT", "kafka.topics.create": true,
		},
	})
	h.Start(t)
	h.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload, at)
		VALUES ('order', '42', 'Created', '{"n": 1}', '2026-02-03 04:05:06.789123+00'), ('order', '43', NULL, '{"n": 2}', now())`)
	h.Confirmed(t)
	records, letters := consume(t, h.Kafka, h.Topic), consume(t, h.Kafka, h.Topic+".DLT")
	if len(records) != 1 || len(letters) != 1 || string(records[0].Value) != `{"n": 1}` {
		t.Fatalf("records %v, dead letters %v", records, letters)
	}
	r := records[0]
	id := string(r.Headers[0].Value)
	r.Headers = r.Headers[3:] // id, eventType and position
	want := `["ce_specversion=1.0" "ce_id=` + id + `" "ce_type=Created" "ce_source=/walpost/` + h.Config.Name +
		`" "ce_time=2026-02-03T04:05:06.789Z" "ce_subject=42" "content-type=application/json"]`
	if got := headersOf(r); got != want {
		t.Errorf("headers %s, want %s", got, want)
	}
	if got := headersOf(letters[0]); !strings.Contains(got, "walpost-dlt-reason=invalid_cloudevent") {
		t.Errorf("headers of the dead letter %s", got)
	}
	h.Stop(t)
}
