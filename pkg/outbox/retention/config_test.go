package retention_test

import (
	"errors"
	"testing"
	"time"

	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/retention"
)

// A configuration that cannot work names its field.
func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for field, config := range map[string]retention.Config{
		"Slot":  {},
		"Keep":  {Slot: "s", Keep: time.Hour},
		"Batch": {Slot: "s", Batch: -1},
		"Table": {Slot: "s", Outbox: outbox.Config{Table: "a.b.c"}},
	} {
		_, err := retention.New(config)
		var bad *outbox.ConfigError
		if !errors.As(err, &bad) || bad.Field != field || !errors.Is(err, outbox.ErrConfig) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
