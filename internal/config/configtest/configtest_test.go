package configtest_test

import (
	"testing"

	"github.com/walpost/walpost/internal/config/configtest"
)

func TestKeysBecomeSections(t *testing.T) {
	t.Parallel()
	base := configtest.Keys{
		"name": "orders", "kafka.brokers": []string{"a:1", "b:2"}, "kafka.compression": "none",
		"outbox.topic": "{aggregatetype}", "outbox.headers": map[string]any{"type": "type"}, "delivery.on_reject": "skip",
	}
	for _, tc := range []struct {
		keys configtest.Keys
		want string
	}{
		{nil, `delivery:
  on_reject: skip
kafka:
  brokers:
  - a:1
  - b:2
  compression: none
name: orders
outbox:
  headers:
    type: type
  topic: '{aggregatetype}'
`},
		{configtest.Keys{"kafka": map[string]any{"linger": "5ms"}, "delivery": nil, "outbox.headers": nil, "outbox.id": "key"}, `kafka:
  linger: 5ms
name: orders
outbox:
  id: key
  topic: '{aggregatetype}'
`},
		{configtest.Keys{"kafka": map[string]any{"linger": "5ms"}, "kafka.acks": 1, "outbox": nil, "delivery": nil}, `kafka:
  acks: 1
  linger: 5ms
name: orders
`},
	} {
		if got := base.With(tc.keys).YAML(t); got != tc.want {
			t.Errorf("%v:\n%s\nwant\n%s", tc.keys, got, tc.want)
		}
	}
}
