package replay_test

import (
	"maps"
	"testing"

	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/replay"
)

// A replay from the table writes rows in the formats of the relay, byte for byte.
func TestReplayWritesFormats(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, recovertest.Formats())
	f.Start(t)
	f.Exec(t, recovertest.FillVaried)
	f.Confirmed(t)
	records, err := stack.Kafka(t).Records(t.Context(), f.Topic)
	if err != nil {
		t.Fatal(err)
	}
	want := recovertest.Written(records)
	if len(want) != 175 {
		t.Fatalf("%d records", len(want))
	}
	again := replayed(t, f, replay.Options{ToTopic: stack.Topic(t, 3), Rows: replay.Range{All: true}})
	if got := recovertest.Written(again); !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}
