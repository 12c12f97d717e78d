package eventstore_test

import (
	"errors"
	"testing"

	"github.com/walpost/walpost/pkg/eventstore"
	"github.com/walpost/walpost/pkg/outbox"
)

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]eventstore.Config{
		"table":       {Outbox: outbox.Config{Table: `"My Events"`}},
		"snapshots":   {Snapshots: "a.b.c"},
		"deleted":     {Outbox: outbox.Config{DeleteAfterWrite: true}},
		"partitioned": {Outbox: outbox.Config{Partitioned: true}},
		"version":     {Outbox: outbox.Config{Headers: []outbox.HeaderColumn{{Header: "version", Column: "v"}}}},
	} {
		if _, err := eventstore.New(bad); !errors.Is(err, eventstore.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
