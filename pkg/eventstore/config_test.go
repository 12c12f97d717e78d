package eventstore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/walpost/walpost/pkg/eventstore"
	"github.com/walpost/walpost/pkg/outbox"
)

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for field, bad := range map[string]eventstore.Config{
		"Outbox.Table":            {Outbox: outbox.Config{Table: `"My Events"`}},
		"Snapshots":               {Snapshots: "a.b.c"},
		"Outbox.DeleteAfterWrite": {Outbox: outbox.Config{DeleteAfterWrite: true}},
		"Outbox.Partitioned":      {Outbox: outbox.Config{Partitioned: true}},
		"Outbox.MaxBytes":         {Outbox: outbox.Config{MaxBytes: -1}}, // package outbox finds it
	} {
		_, err := eventstore.New(bad)
		var fault *eventstore.ConfigError
		if !errors.Is(err, eventstore.ErrConfig) || !errors.As(err, &fault) || fault.Field != field {
			t.Errorf("%v, want the field %s", err, field)
		}
	}
	_, err := eventstore.New(eventstore.Config{
		Snapshots: "a.b.c", Outbox: outbox.Config{Partitioned: true, MaxBytes: -1},
	})
	for _, field := range []string{"Snapshots", "Outbox.Partitioned", "Outbox.MaxBytes"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v, want all faults, %s too", err, field)
		}
	}
	_, err = eventstore.New(eventstore.Config{Outbox: outbox.Config{Headers: []outbox.HeaderColumn{{Header: "version", Column: "v"}}}})
	if !errors.Is(err, eventstore.ErrConfig) {
		t.Errorf("the header version, twice: %v", err)
	}
}
