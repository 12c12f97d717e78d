package outbox_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/walpost/walpost/pkg/outbox"
)

// A column whose text the relay would have to convert is refused.
func TestEmitRefusesTypes(t *testing.T) {
	t.Parallel()
	header := []outbox.HeaderColumn{{Header: "h", Column: "h"}}
	for _, kind := range []string{
		"date", "timestamp", "timestamptz(3)", "numeric", "real", "double precision", "char(3)", "interval", "mood",
	} {
		o, err := outbox.New(outbox.Config{Headers: header, Types: map[string]string{"h": kind}})
		if err != nil {
			t.Fatal(err)
		}
		err = o.Emit(context.Background(), untouched{}, event(1))
		if !errors.Is(err, outbox.ErrConfig) || !strings.Contains(err.Error(), kind) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
