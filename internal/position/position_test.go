package position_test

import (
	"testing"

	"github.com/walpost/walpost/internal/position"
	"github.com/walpost/walpost/internal/record"
)

// What is written is what is read, and the text of it never changes by itself.
func TestValue(t *testing.T) {
	t.Parallel()
	p := position.Position{
		Event: record.Position{CommitLSN: 0x1_0000_00AB, Ordinal: 3}, Complete: 0x1_0000_00FF,
		System: "7", Timeline: 2, Slot: "s", Source: "public.outbox", Host: "a",
	}
	const want = `{"version":1,"slot":"s","system":"7","timeline":2,"commit_lsn":"1/AB","ordinal":3,"complete_lsn":"1/FF",` +
		`"source":"public.outbox","host":"a"}`
	if got := string(p.Value()); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, err := position.Parse([]byte(want)); err != nil || got != p {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "{}", `{"version":1}`, `{"version":1,"commit_lsn":"1/AB","complete_lsn":"x"}`} {
		if got, err := position.Parse([]byte(bad)); err == nil {
			t.Errorf("%s gives %+v", bad, got)
		}
	}
}
