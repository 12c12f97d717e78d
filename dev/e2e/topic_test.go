package e2e_test

import (
	"fmt"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// Topics are made by a regular expression with a replacement, as Debezium makes them: also
// while a variable has the name of the group, and for a value that is not matched.
func TestTopicsOfARegex(t *testing.T) {
	t.Setenv("kind", "wrong")
	h := with(t, relaytest.Options{Keys: keys{
		"outbox.topic": "{aggregatetype}", "outbox.topic_regex": `PREFIX/(?<kind>[a-z]+)\.v\d+`,
		"outbox.topic_replacement": "PREFIX.${kind}",
	}})
	other := h.Prefix + ".plain"
	if err := h.Kafka.CreateTopic(t.Context(), other, 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	h.Start(t)
	for i, kind := range []string{h.Prefix + "/order.v1", other, h.Prefix + "/order.v2", h.Prefix + "/order.v1"} {
		h.Exec(t, fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
			VALUES ('%s', 'k', 'Created', '%d')`, kind, i))
	}
	h.Confirmed(t)
	var got []string
	for _, r := range consume(t, h.Kafka, h.Topic, other) {
		got = append(got, r.Topic+"="+string(r.Value))
	}
	if want := []string{h.Topic + "=0", h.Topic + "=2", h.Topic + "=3", other + "=1"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", got, want)
	}
	h.Stop(t)
}
