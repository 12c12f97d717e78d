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

// Log tells repeats: they are how a wrong choice of ids shows.
func TestLogTellsRepeats(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	inbox.Log(slog.New(slog.NewTextHandler(&log, nil))).Observe(inbox.Observation{
		Kind: inbox.KindRepeated, Event: &inbox.Event{Topic: "orders", Offset: 7, ID: "1"},
	})
	if text := log.String(); !strings.Contains(text, "level=INFO") || !strings.Contains(text, "repeat is dropped") ||
		!strings.Contains(text, "topic=orders partition=0 offset=7 id=1") {
		t.Error(text)
	}
}
