package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.yaml.in/yaml/v4"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// inOrder is a section whose entries keep their order: name, value, name, value.
func inOrder(t *testing.T, entries ...any) *yaml.Node {
	t.Helper()
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, e := range entries {
		var child yaml.Node
		text, err := yaml.Dump(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Load(text, &child); err != nil {
			t.Fatal(err)
		}
		n.Content = append(n.Content, child.Content[0])
	}
	return n
}

// headersOf are the headers of a record, each as name=value; a null is without =.
func headersOf(r *kgo.Record) string {
	var all []string
	for _, h := range r.Headers {
		if h.Value == nil {
			all = append(all, h.Key)
		} else {
			all = append(all, h.Key+"="+string(h.Value))
		}
	}
	return fmt.Sprintf("%q", all)
}

func TestHeadersWithConstants(t *testing.T) {
	t.Parallel()
	h := with(t, relaytest.Options{Keys: keys{"outbox.headers": inOrder(t,
		"content-type", keys{"constant": "application/json"}, "eventType", "type", "empty", keys{"constant": ""})}})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1), relaytest.Insert("k", 2))
	h.Confirmed(t)
	records := consume(t, h.Kafka, h.Topic)
	if len(records) != 2 {
		t.Errorf("%d records, want 2", len(records))
	}
	for _, r := range records {
		r.Headers = r.Headers[1 : len(r.Headers)-1] // id and position
		if got, want := headersOf(r), `["content-type=application/json" "eventType=Created" "empty="]`; got != want {
			t.Errorf("headers %s, want %s", got, want)
		}
	}
	h.Stop(t)
}

// The members of a JSON object are headers, as Postgres prints them; a row whose column is no
// object is a dead letter without them.
func TestHeadersOfAJSONColumn(t *testing.T) {
	t.Parallel()
	h := with(t, relaytest.Options{
		DDL: relaytest.OutboxDDL + "; ALTER TABLE outbox ADD headers jsonb",
		Keys: keys{
			"outbox.headers":     inOrder(t, "eventType", "type", "*", keys{"json": "headers"}, "region", keys{"constant": "eu"}),
			"delivery.on_reject": "dead_letter", "delivery.dead_letter": "{topic}.DLT", "kafka.topics.create": true,
		},
	})
	h.Start(t)
	for i, object := range []string{`'{"b": "x", "a": {"c": [1, null]}, "n": 1.50, "z": null}'`, `'{}'`, `NULL`, `'["secret"]'`} {
		h.Exec(t, fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload, headers)
			VALUES ('order', 'k', 'Created', '{"n": %d}', %s)`, i, object))
	}
	h.Confirmed(t)
	var got []string
	for _, r := range consume(t, h.Kafka, h.Topic, h.Topic+".DLT") {
		r.Headers = r.Headers[1:min(7, len(r.Headers)-1)]
		got = append(got, headersOf(r))
	}
	want := []string{
		`["eventType=Created" "a={\"c\": [1, null]}" "b=x" "n=1.50" "z" "region=eu"]`,
		`["eventType=Created" "region=eu"]`, `["eventType=Created" "region=eu"]`,
	}
	if len(got) != 4 || !slices.Equal(got[:3], want) || !strings.Contains(got[3], "walpost-dlt-reason=invalid_headers") {
		t.Errorf("headers\n%s", strings.Join(got, "\n"))
	}
	h.Stop(t)
}
