package e2e_test

import (
	"fmt"
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
	for _, r := range consume(t, h.Kafka, h.Topic) {
		r.Headers = r.Headers[1 : len(r.Headers)-1] // id and position
		if got, want := headersOf(r), `["content-type=application/json" "eventType=Created" "empty="]`; got != want {
			t.Errorf("headers %s, want %s", got, want)
		}
	}
	h.Stop(t)
}
