package replay_test

import (
	"maps"
	"testing"

	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/relay/relaytest"
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

// The column of the trace context is read with the others.
func TestReplayOfTraces(t *testing.T) {
	t.Parallel()
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	f := recovertest.New(t, &stack, configtest.Keys{"outbox.trace": "trace"})
	f.Exec(t, "ALTER TABLE outbox ADD trace text NOT NULL DEFAULT '"+parent+"'", relaytest.Insert("a", 1))
	records := replayed(t, f, replay.Options{ToTopic: stack.Topic(t, 1), Rows: replay.Range{All: true}})
	if len(records) != 1 || string(records[0].Headers[1].Value) != parent {
		t.Errorf("%d records", len(records))
	}
}
