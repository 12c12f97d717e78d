package inbox_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/walpost/walpost/pkg/inbox"
)

// An id that the inbox cannot hold is not shown whole.
func TestLongIDIsShownShort(t *testing.T) {
	t.Parallel()
	e := &inbox.Event{Topic: "orders", ID: strings.Repeat("ä", 1<<20)}
	var log strings.Builder
	inbox.Log(slog.New(slog.NewTextHandler(&log, nil))).Observe(inbox.Observation{Kind: inbox.KindDeadLettered, Event: e})
	for _, text := range []string{e.String(), log.String()} {
		if len(text) > 1000 || !strings.Contains(text, "ää…") {
			t.Errorf("%.1000s", text)
		}
	}
}
