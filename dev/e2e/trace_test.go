package e2e_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// A trace context in each form in which writers leave it becomes headers, and a row without one has none.
func TestTraceContextOfEachForm(t *testing.T) {
	t.Parallel()
	h := with(t, relaytest.Options{
		DDL:  relaytest.OutboxDDL + "; ALTER TABLE outbox ADD tracingspancontext varchar(256)",
		Keys: keys{"outbox.headers": keys{}, "outbox.trace": "tracingspancontext"},
	})
	h.Start(t)
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	texts := []string{
		parent, "#Mon Nov 30 05:53:19 UTC 2026\ntraceparent=" + parent + "\ntracestate=rojo\\=1\n",
		`{"traceparent": "` + parent + `", "tracestate": "rojo=1"}`, "", "broken",
	}
	for i, text := range texts {
		h.Exec(t, fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload, tracingspancontext)
			VALUES ('order', 'k', 'Created', '{"n": %d}', '%s')`, i, text))
	}
	h.Exec(t, relaytest.Insert("k", len(texts)))
	h.Confirmed(t)
	var got []string
	for _, r := range consume(t, h.Kafka, h.Topic) {
		r.Headers = r.Headers[1 : len(r.Headers)-1] // id and position
		got = append(got, headersOf(r))
	}
	both := `["traceparent=` + parent + `" "tracestate=rojo=1"]`
	want := []string{`["traceparent=` + parent + `"]`, both, both, "[]", "[]", "[]"}
	if !slices.Equal(got, want) {
		t.Errorf("headers %q, want %q", got, want)
	}
	h.Stop(t)
}
