package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/murmur2"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/inbox/deadletter"
)

// Dead letters go back once the handler is mended, in order, and those that have
// been processed meanwhile have no second effect.
func TestRedrive(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 2)
	f.events(t, 0, 40, 6)
	config := f.config(t)
	config.ErrorText = true
	var mended atomic.Bool
	f.start(t, config, func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
		if !mended.Load() && string(e.Key) < "k3" {
			return inbox.Permanent(errPoison)
		}
		return record(ctx, tx, e)
	})
	devstacktest.Await(t, "all marked", func() bool { return f.committed(t, config.Group) == 40 })
	dead, _ := f.letters(t)
	redrive := deadletter.Config{Brokers: f.kafka.Bootstrap(devstack.Plaintext), Topic: f.topic + ".DLT", DryRun: true}
	var last map[string]int64
	redrive.Each = func(d *deadletter.Record) error {
		if d.Event.Topic != f.topic || d.Group != config.Group || d.Reason != "permanent" || d.Error != "poison" || d.Attempts != 1 ||
			d.Event.Type != "Tested" || d.Time.IsZero() {
			t.Errorf("dead letter %+v", d)
		}
		if key := string(d.Event.Key); d.Event.Offset < last[key] {
			t.Errorf("offset %d of key %s after %d", d.Event.Offset, key, last[key])
		} else {
			last[key] = d.Event.Offset
		}
		return nil
	}
	again := func(want int) deadletter.RedriveResult {
		t.Helper()
		last = map[string]int64{}
		done, err := deadletter.Redrive(t.Context(), redrive)
		if err != nil || done.Matched != want || !redrive.DryRun && done.Sent[f.topic] != want {
			t.Fatalf("%+v, %v, want %d", done, err, want)
		}
		return done
	}
	again(len(dead))
	if ends, _ := f.kafka.EndOffsets(f.topic); ends[0]+ends[1] != 40 {
		t.Fatal("a dry run has written")
	}
	mended.Store(true)
	redrive.DryRun = false
	redrive.Match = func(d *deadletter.Record) bool { return string(d.Event.Key) == "k0" }
	again(7)
	again(0) // they are marked
	redrive.Handled = true
	again(7)
	redrive.Match, redrive.Handled, redrive.Remove = nil, false, true
	if done := again(len(dead) - 7); len(done.Removed) == 0 {
		t.Errorf("nothing removed: %+v", done)
	}
	f.await(t, 40)
	devstacktest.Await(t, "all marked", func() bool { return f.committed(t, config.Group) == int64(40+7+len(dead)) })
	if rows, ids := f.number(t, "SELECT count(*) FROM effect"), f.number(t, "SELECT count(DISTINCT id) FROM effect"); rows != 40 ||
		ids != 40 {
		t.Errorf("%d effects of %d events, want 40", rows, ids)
	}
	again(0)
}

// A record that comes back and fails again says how often that was.
func TestRedriveCounts(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, f.message("bad", "k"))
	config := f.config(t)
	f.start(t, config, poison)
	redrive := deadletter.Config{Brokers: config.Brokers, Topic: f.topic + ".DLT"}
	for round := range 3 {
		// The marks of those that went back are no letters, and come before or behind the
		// next one: the consumer may be faster than the mark.
		var letters []map[string]string
		devstacktest.Await(t, "the dead letter", func() bool {
			_, all := f.letters(t)
			letters = slices.DeleteFunc(all, func(h map[string]string) bool { return h["walpost-dlt-handled"] != "" })
			return len(letters) > round
		})
		if got := letters[round]["walpost-redrives"]; round > 0 && got != fmt.Sprint(round) {
			t.Errorf("round %d: %s redrives", round, got)
		}
		var seen deadletter.Record
		redrive.Each = func(d *deadletter.Record) error { seen = *d; return nil }
		if _, err := deadletter.Redrive(t.Context(), redrive); err != nil {
			t.Fatal(err)
		}
		if seen.Redrives != round || len(seen.Event.Headers) != 2 {
			t.Errorf("round %d: %+v", round, seen)
		}
	}
}

// Records of others in the dead letter topic hold up nothing, and what they say about
// themselves is not believed: neither where they go back to, nor that others were handled.
func TestRedrivePassesOverForeignRecords(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	dead := func(m *sarama.ProducerMessage, headers ...string) {
		m.Topic += ".DLT"
		for i := 0; i < len(headers); i += 2 {
			m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(headers[i]), Value: []byte(headers[i+1])})
		}
		f.send(t, m)
	}
	dead(f.message("spring", "k"), "kafka_dlt-original-topic", f.topic)
	dead(f.message("elsewhere", "k"), "walpost-dlt-topic", "other.team")
	spoof := f.message("spoof", "k")
	spoof.Headers = append(spoof.Headers, sarama.RecordHeader{Key: []byte("walpost-dlt-handled"), Value: []byte("discarded")},
		sarama.RecordHeader{Key: []byte("walpost-dlt-handled-offset"), Value: []byte("3")},
		sarama.RecordHeader{Key: []byte("walpost-dlt-topic"), Value: []byte("other.team")})
	f.send(t, spoof, f.message("bad", "k"))
	config := f.config(t)
	var mended atomic.Bool
	f.start(t, config, func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
		if !mended.Load() {
			return inbox.Permanent(errPoison)
		}
		if e.ID == "spoof" && len(e.Headers) < 5 {
			t.Errorf("the record came back with %v", e.Headers)
		}
		return record(ctx, tx, e)
	})
	devstacktest.Await(t, "the dead letters", func() bool { records, _ := f.letters(t); return len(records) == 4 })
	mended.Store(true)
	redrive := deadletter.Config{Brokers: config.Brokers, Topic: f.topic + ".DLT"}
	done, err := deadletter.Redrive(t.Context(), redrive)
	if err != nil || done.Foreign != 1 || done.NotAllowed != 1 || done.Sent[f.topic] != 2 || len(done.Sent) != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	f.once(t, 2)
	redrive.To = func(topic string) bool { return topic == "other.team" }
	redrive.DryRun = true
	if done, err = deadletter.Redrive(t.Context(), redrive); err != nil || done.Matched != 1 || done.NotAllowed != 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	redrive.DryRun = false
	if done, err := deadletter.Discard(t.Context(), redrive); err != nil || done.Marked != 1 || done.Foreign != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
}

func TestRedriveNamesEachFault(t *testing.T) {
	t.Parallel()
	_, err := deadletter.Redrive(t.Context(), deadletter.Config{SASL: &inbox.SASL{Mechanism: "PLAIN", User: "u"}})
	for _, field := range []string{"Brokers", "Topic", "SASL.Password"} {
		if !errors.Is(err, inbox.ErrConfig) || !strings.Contains(err.Error(), field+": want") {
			t.Errorf("no fault of %s in %v", field, err)
		}
	}
}

// What was discarded is not put back, and says so; what is foreign stops what writes.
func TestDiscard(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, f.message("bad", "k"), f.message("other", "k"))
	config := f.config(t)
	f.start(t, config, func(context.Context, pgx.Tx, *inbox.Event) error { return inbox.Permanent(errPoison) })
	devstacktest.Await(t, "the dead letters", func() bool { records, _ := f.letters(t); return len(records) == 2 })
	some := deadletter.Config{
		Brokers: config.Brokers, Topic: f.topic + ".DLT", DryRun: true,
		Match: func(d *deadletter.Record) bool { return d.Event.ID == "other" },
	}
	if done, err := deadletter.Discard(t.Context(), some); err != nil || done.Matched != 1 || done.Marked != 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	some.DryRun = false
	if done, err := deadletter.Discard(t.Context(), some); err != nil || done.Marked != 1 || done.Read != 2 {
		t.Fatalf("%+v, %v", done, err)
	}
	var left []string
	some.Match, some.DryRun = nil, true
	some.Each = func(d *deadletter.Record) error {
		left = append(left, d.Event.ID+d.Handled)
		if (d.Handled == "") != d.HandledAt.IsZero() {
			t.Errorf("handled at %v", d.HandledAt)
		}
		return nil
	}
	for _, handled := range []bool{false, true} {
		some.Handled = handled
		if _, err := deadletter.Redrive(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"bad", "bad", "otherdiscarded"}; !slices.Equal(left, want) {
		t.Errorf("%q, want %q", left, want)
	}
}

// A dead letter of the relay never was in a partition: it goes to that of its key.
func TestRedriveOfTheRelaysLetters(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 7)
	for _, key := range []string{"a", "b", "c", "d"} {
		letter := f.message("id of "+key, key)
		letter.Topic += ".DLT"
		letter.Headers = append(letter.Headers, sarama.RecordHeader{Key: []byte("walpost-dlt-topic"), Value: []byte(f.topic)})
		f.send(t, letter)
	}
	if done, err := deadletter.Redrive(t.Context(), deadletter.Config{
		Brokers: f.config(t).Brokers, Topic: f.topic + ".DLT",
	}); err != nil || done.Sent[f.topic] != 4 {
		t.Fatalf("%+v, %v", done, err)
	}
	records, err := f.kafka.Records(t.Context(), f.topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if want := murmur2.Partition(r.Key, 7); r.Partition != want || string(r.Value) != "payload of id of "+string(r.Key) {
			t.Errorf("key %s in partition %d, want %d: %s", r.Key, r.Partition, want, r.Value)
		}
	}
	if len(records) != 4 {
		t.Errorf("%d records", len(records))
	}
}

// deadLetter sends a dead letter for a topic, as the relay writes it, to f's dead letter
// topic.
func (f *fixture) deadLetter(t *testing.T, m *sarama.ProducerMessage, topic string) {
	t.Helper()
	m.Topic = f.topic + ".DLT"
	m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte("walpost-dlt-topic"), Value: []byte(topic)})
	f.send(t, m)
}

// A dead letter that Kafka refuses stays, says why, and keeps no other back.
func TestRedriveGoesOnWhenKafkaRefusesARecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	admin, err := f.kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	limit := "20000000"
	if err := admin.AlterConfig(sarama.TopicResource, f.topic+".DLT", map[string]*string{"max.message.bytes": &limit}, false); err != nil {
		t.Fatal(err)
	}
	large := f.message("large", "k")
	large.Value = sarama.ByteEncoder(noise(3_000_000))
	f.deadLetter(t, large, f.topic)
	f.deadLetter(t, f.message("lost", "k"), f.topic+".missing")
	f.deadLetter(t, f.message("illegal", "k"), "no topic\x00")
	f.deadLetter(t, f.message("endless", "k"), strings.Repeat("x", 40_000))
	f.deadLetter(t, f.message("good", "k"), f.topic)
	f.deadLetter(t, f.message("lost too", "k"), f.topic+".missing")
	var each, stay []string
	config := deadletter.Config{
		Brokers: f.config(t).Brokers, Topic: f.topic + ".DLT", Remove: true,
		To:   func(string) bool { return true },
		Each: func(r *deadletter.Record) error { each = append(each, r.Event.ID); return nil },
		Stays: func(r *deadletter.Record) error {
			stay = append(stay, r.Event.ID)
			if !errors.Is(r.Stays, deadletter.ErrRefused) {
				t.Errorf("%s: %v", r.Event.ID, r.Stays)
			}
			return nil
		},
	}
	done, err := deadletter.Redrive(t.Context(), config)
	if err != nil || done.Refused != 5 || done.Marked != 1 || done.Sent[f.topic] != 1 || len(done.Removed) != 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	if want := []string{"large", "lost", "illegal", "endless", "lost too"}; len(each) != 4 || !slices.Equal(stay, want) {
		t.Errorf("each %q, and %q stay, want %q", each, stay, want)
	}
	if done, err := deadletter.Discard(t.Context(), config); err != nil || done.Marked != 5 || done.Removed[0] < 6 {
		t.Errorf("%+v, %v, want all of them discarded and removed", done, err)
	}
}

// A mark stands behind what it is about: one that comes before is nobody's.
func TestMarkOfALaterDeadLetterIsNotBelieved(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, &sarama.ProducerMessage{Topic: f.topic + ".DLT", Headers: []sarama.RecordHeader{
		{Key: []byte("walpost-dlt-handled"), Value: []byte("discarded")}, {Key: []byte("walpost-dlt-handled-offset"), Value: []byte("1")},
	}})
	f.deadLetter(t, f.message("1", "k"), f.topic)
	found, err := deadletter.List(t.Context(), deadletter.Config{Brokers: f.config(t).Brokers, Topic: f.topic + ".DLT"})
	if err != nil || found.Matched != 1 || found.Marked != 0 {
		t.Fatalf("%+v, %v", found, err)
	}
}

// The offset that an incomplete dead letter names may be another record's by now, when the
// topic was made anew. That record is not put back.
func TestRedriveTakesNoOtherRecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, f.message("new", "k"), f.message("same", "k"))
	for offset, id := range []string{"old", "same"} {
		m := f.message(id, "k")
		for name, value := range map[string]string{
			"topic": f.topic, "partition": "0", "offset": fmt.Sprint(offset), "timestamp": "2020-01-01T00:00:00Z",
			"incomplete": "value of 9 bytes",
		} {
			m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte("walpost-dlt-" + name), Value: []byte(value)})
		}
		m.Topic += ".DLT"
		f.send(t, m)
	}
	redrive := deadletter.Config{Brokers: f.config(t).Brokers, Topic: f.topic + ".DLT"}
	if done, err := deadletter.Redrive(t.Context(), redrive); err != nil || done.Gone != 2 || done.Marked != 0 {
		t.Errorf("%+v, %v, want 2 left: their records are gone", done, err)
	}
}

// A partition with a batch that is gigabytes when it is decompressed is named, and keeps no
// other partition back.
func TestInflatedBatchOfDeadLetters(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 3)
	f.large(t, f.topic+".DLT")
	var at [3]int
	for key := 0; at[0] == 0 || at[1] == 0 || at[2] == 0; key++ {
		m := f.message(fmt.Sprint(key), fmt.Sprint("k", key))
		f.deadLetter(t, m, f.topic)
		at[m.Partition]++
	}
	devstacktest.Inflate(t, f.kafka, f.topic+".DLT", 14)
	config := deadletter.Config{Brokers: f.config(t).Brokers, Topic: f.topic + ".DLT", Remove: true}
	rest, place := at[1]+at[2], fmt.Sprintf("%s.DLT: partition 0: the records at offset %d cannot be read", f.topic, at[0])
	named := func(call string, err error) {
		t.Helper()
		if !errors.Is(err, sarama.ErrDecompressedBatchTooLarge) || !strings.Contains(err.Error(), place) {
			t.Errorf("%s: %v, want %q", call, err, place)
		}
	}
	found, err := deadletter.List(t.Context(), config)
	if named("list", err); found.Matched != rest {
		t.Errorf("list: %+v, want %d", found, rest)
	}
	one := config
	one.Match = func(r *deadletter.Record) bool { return r.Partition == 1 }
	done, err := deadletter.Redrive(t.Context(), one)
	if named("redrive", err); done.Sent[f.topic] != at[1] {
		t.Errorf("redrive: %+v, want %d", done, at[1])
	}
	discarded, err := deadletter.Discard(t.Context(), config)
	if named("discard", err); discarded.Marked != at[2] || len(discarded.Removed) != 2 {
		t.Errorf("discard: %+v, want %d, and two partitions removed", discarded, at[2])
	}
}
