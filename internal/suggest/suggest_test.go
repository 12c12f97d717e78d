package suggest_test

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/suggest"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"brokers", "topics", "acks"}
	for wrong, want := range map[string]string{
		"brokers": "brokers", "brokres": "brokers", "broker": "brokers", "xtopics": "topics", "tobics": "topics",
		"ack": "acks", "retries": "", "": "", strings.Repeat("a", 100): "",
	} {
		if got := suggest.Nearest(wrong, names, 2); got != want {
			t.Errorf("%q: %q, want %q", wrong, got, want)
		}
	}
	if got := suggest.Nearest("ack", names, 0); got != "" {
		t.Errorf("%q is not equal", got)
	}
}
