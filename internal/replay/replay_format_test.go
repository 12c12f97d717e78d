package replay_test

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/audit"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/replay"
)

// A replay writes the records of the relay, byte for byte, from the table and from their
// topic, whatever the form of the records; and an audit finds all of them.
func TestReplayWritesTheRecordsOfTheRelay(t *testing.T) {
	t.Parallel()
	for name, keys := range recovertest.Forms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := recovertest.New(t, &stack, keys)
			f.Exec(t, recovertest.Widen)
			f.Start(t)
			f.Exec(t, recovertest.FillWide)
			f.Confirmed(t)
			want := recovertest.Written(records(t, f.Topic))
			if len(want) != recovertest.WideRows {
				t.Fatalf("%d records", len(want))
			}
			for source, o := range map[string]replay.Options{
				"table": {ToTopic: stack.Topic(t, 3), Rows: replay.Range{All: true}},
				"topic": {ToTopic: stack.Topic(t, 3), Topic: f.Topic, Records: everything()},
			} {
				t.Log(source)
				recovertest.WantWritten(t, recovertest.Written(replayed(t, f, o)), want)
			}
			r, err := audit.Run(t.Context(), audit.Options{Config: f.Config})
			if err != nil || !r.Equal() || r.Rows != recovertest.WideRows {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// A payload that only its expansion makes small enough is read from the table as it is from
// the stream.
func TestReplayExpandsLongRows(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, configtest.Keys{
		"outbox.format.value": "json", "outbox.format.expand_json": true, "delivery.on_reject": "skip",
	})
	f.Start(t)
	f.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, payload)
		SELECT 'order', 'k', jsonb_object_agg(repeat('x', 1000) || n, NULL) || '{"n": 1}' FROM generate_series(1, 5000) n`)
	f.Confirmed(t)
	want := recovertest.Written(records(t, f.Topic))
	if len(want) != 1 {
		t.Fatalf("%d records", len(want))
	}
	again := replayed(t, f, replay.Options{ToTopic: stack.Topic(t, 3), Rows: replay.Range{All: true}})
	recovertest.WantWritten(t, recovertest.Written(again), want)
}

func records(t *testing.T, topic string) []*sarama.ConsumerMessage {
	t.Helper()
	found, err := stack.Kafka(t).Records(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return found
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
