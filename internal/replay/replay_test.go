package replay_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/replay"
	"github.com/walpost/walpost/internal/republish"
	"github.com/walpost/walpost/internal/status"
)

// openReplay opens a replay with the fixture's configuration and makes its plan.
func openReplay(t *testing.T, f *recovertest.Fixture, o replay.Options) (*replay.Replay, *replay.Plan, error) {
	t.Helper()
	o.Config, o.Log = f.Config, recovertest.Logger(t)
	r, err := replay.Open(t.Context(), o)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { r.Close(context.WithoutCancel(t.Context())) })
	plan, err := r.Examine(t.Context())
	return r, plan, err
}

// replayed runs a replay and returns the records in the topic it went to.
func replayed(t *testing.T, f *recovertest.Fixture, o replay.Options) []*sarama.ConsumerMessage {
	t.Helper()
	r, plan, err := openReplay(t, f, o)
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Run(t.Context(), plan, func(republish.Result) {})
	if err != nil {
		t.Fatal(err)
	}
	if result.Acknowledged != result.Rows {
		t.Errorf("%+v", result)
	}
	records, err := stack.Kafka(t).Records(t.Context(), o.ToTopic)
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range records {
		if last := rec.Headers[len(rec.Headers)-1]; string(last.Key) != replay.Header ||
			string(last.Value) != plan.Began.UTC().Format("2006-01-02T15:04:05.000Z") {
			t.Errorf("headers %s", headersOf(rec))
		}
	}
	return records
}

func headersOf(rec *sarama.ConsumerMessage) string {
	var words []string
	for _, h := range rec.Headers {
		words = append(words, string(h.Key)+"="+string(h.Value))
	}
	return strings.Join(words, " ")
}

// values returns what the records of each key hold, in order.
func values(records []*sarama.ConsumerMessage) map[string]string {
	all := map[string]string{}
	for _, rec := range records {
		all[string(rec.Key)] += strings.TrimSuffix(strings.TrimPrefix(string(rec.Value), `{"n": `), "}") + " "
	}
	return all
}

func wantValues(t *testing.T, records []*sarama.ConsumerMessage, want string) {
	t.Helper()
	if got := fmt.Sprint(values(records)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestReplayFromTheTable(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	f.Exec(t, "ALTER TABLE outbox ADD n bigserial")
	f.Exec(t, relaytest.Insert("a", 1), relaytest.Insert("a", 2), relaytest.Insert("b", 3), relaytest.Insert("a", 4))
	second := devstacktest.Value[time.Time](t, f.DB.Conn, "SELECT created FROM outbox WHERE n = 2")
	last := devstacktest.Value[time.Time](t, f.DB.Conn, "SELECT created FROM outbox WHERE n = 4")

	// A slot is neither needed nor made.
	records := replayed(t, f, replay.Options{ToTopic: stack.Topic(t, 2), Rows: replay.Range{From: second, To: last}})
	wantValues(t, records, "map[a:2  b:3 ]")
	if slots := f.Slots(t); slots != "" {
		t.Errorf("slots %s", slots)
	}
	id := devstacktest.Value[string](t, f.DB.Conn, "SELECT id::text FROM outbox WHERE n = 3")
	for _, rec := range records {
		if string(rec.Key) == "b" && !strings.HasPrefix(headersOf(rec), "id="+id+" eventType=Created walpost-replay=") {
			t.Errorf("headers %s", headersOf(rec))
		}
		if string(rec.Key) == "a" && !rec.Timestamp.Equal(second.Truncate(time.Millisecond)) {
			t.Errorf("time %v, want %v", rec.Timestamp, second)
		}
	}
	wantValues(t, replayed(t, f, replay.Options{ToTopic: stack.Topic(t, 2), Rows: replay.Range{All: true, Key: "a"}}), "map[a:1 2 4 ]")
	ids := replay.Range{FromID: "00000000-0000-0000-0000-000000000000", ToID: id, TimeColumn: "created"}
	want := devstacktest.Value[int](t, f.DB.Conn, "SELECT count(*) FROM outbox WHERE id <= '"+id+"'")
	if got := len(replayed(t, f, replay.Options{ToTopic: stack.Topic(t, 2), Rows: ids})); got != want {
		t.Errorf("%d records up to id %s", got, id)
	}
	// Without a topic each row goes where it went before.
	own := replay.Options{Rows: replay.Range{All: true}}
	r, plan, err := openReplay(t, f, own)
	if err != nil {
		t.Fatal(err)
	}
	f.Exec(t, relaytest.Insert("c", 5)) // after the plan: not part of it
	if result, err := r.Run(t.Context(), plan, func(republish.Result) {}); err != nil || result.Rows != 4 || plan.Max != 4 {
		t.Errorf("%+v %v, plan %+v", result, err, plan)
	}
	again, err := stack.Kafka(t).Records(t.Context(), f.Topic)
	if err != nil {
		t.Fatal(err)
	}
	wantValues(t, again, "map[a:1 2 4  b:3 ]")
}

// More rows than fit in memory at once go through, in order.
func TestReplayKeepsOrderAndMemory(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, configtest.Keys{"delivery.in_flight": "256KiB"})
	f.Exec(t, recovertest.Fill("a", 1, 1500), recovertest.Fill("b", 1, 1500))
	to := stack.Topic(t, 4)
	if got := values(replayed(t, f, replay.Options{ToTopic: to, Rows: replay.Range{All: true}})); got["a"] != got["b"] ||
		!rising(got["a"], 1500) {
		t.Error("order is lost")
	}
	// And from that topic to another of other partitions.
	records := replayed(t, f, replay.Options{Topic: to, ToTopic: stack.Topic(t, 3), Records: everything()})
	if got := values(records); got["a"] != got["b"] || !rising(got["a"], 1500) {
		t.Error("order is lost from topic to topic")
	}
	if headers := headersOf(records[0]); strings.Count(headers, replay.Header) != 1 {
		t.Errorf("headers %s", headers)
	}
}

func rising(text string, n int) bool {
	fields := strings.Fields(text)
	for i, field := range fields {
		if field != fmt.Sprint(i+1) {
			return false
		}
	}
	return len(fields) == n
}

func everything() replay.Records { return replay.Records{FirstOffset: -1, LastOffset: -1} }

func TestReplayFromATopic(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	from := stack.Topic(t, 2)
	began := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	produce(t, from, began)
	for name, c := range map[string]struct {
		records replay.Records
		want    string
	}{
		"everything":      {everything(), "map[k:0 1 2 5 6 l:0 1 2 ]"},
		"partition":       {replay.Records{FirstOffset: -1, LastOffset: -1, Partitions: []int32{1}}, "map[l:0 1 2 ]"},
		"offsets":         {replay.Records{FirstOffset: 1, LastOffset: 2, Partitions: []int32{0}}, "map[k:1 2 ]"},
		"from a time":     {replay.Records{FirstOffset: -1, LastOffset: -1, From: began.Add(2 * time.Minute)}, "map[k:2 5 6 l:2 ]"},
		"up to a time":    {replay.Records{FirstOffset: -1, LastOffset: -1, To: began.Add(2 * time.Minute)}, "map[k:0 1 l:0 1 ]"},
		"nothing so late": {replay.Records{FirstOffset: -1, LastOffset: -1, From: time.Now().Add(time.Hour)}, "map[]"},
	} {
		t.Run(name, func(t *testing.T) {
			records := replayed(t, f, replay.Options{Topic: from, ToTopic: stack.Topic(t, 2), Records: c.records})
			if got := strings.ReplaceAll(fmt.Sprint(values(records)), "  ", " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			for _, rec := range records {
				if want := map[string]int32{"k": 0, "l": 1}[string(rec.Key)]; rec.Partition != want {
					t.Errorf("key %s is in partition %d", rec.Key, rec.Partition)
				}
				if !strings.HasPrefix(headersOf(rec), "id=") || rec.Timestamp.After(began.Add(7*time.Minute)) {
					t.Errorf("%s at %v", headersOf(rec), rec.Timestamp)
				}
			}
		})
	}
	deleteRecords(t, from, map[int32]int64{0: 2})
	_, _, err := openReplay(t, f, replay.Options{Topic: from, ToTopic: from, Records: replay.Records{FirstOffset: 1, LastOffset: -1}})
	recovertest.WantHalt(t, err, status.ExitRequirement, "offset 1 of topic "+from+", partition 0, is gone: the oldest is 2")
}

// produce writes records of two keys, a minute apart: 0 to 2 to both partitions,
// 3 and 4 to the first in a transaction that is aborted, 5 and 6 in one that is
// committed.
func produce(t *testing.T, topic string, began time.Time) {
	t.Helper()
	settings := sarama.NewConfig()
	settings.Version = sarama.V2_8_0_0
	settings.Producer.Idempotent, settings.Producer.RequiredAcks, settings.Net.MaxOpenRequests = true, sarama.WaitForAll, 1
	settings.Producer.Return.Successes, settings.Producer.Partitioner = true, sarama.NewManualPartitioner
	settings.Producer.Transaction.ID = topic
	producer, err := sarama.NewSyncProducer(stack.Kafka(t).Bootstrap(devstack.Plaintext), settings)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	send := func(partition int32, key string, n int) error {
		_, _, err := producer.SendMessage(&sarama.ProducerMessage{
			Topic: topic, Partition: partition, Key: sarama.StringEncoder(key), Value: sarama.StringEncoder(fmt.Sprintf(`{"n": %d}`, n)),
			Timestamp: began.Add(time.Duration(n) * time.Minute),
			Headers:   []sarama.RecordHeader{{Key: []byte("id"), Value: []byte(fmt.Sprint(n))}},
		})
		return err
	}
	err = errors.Join(
		producer.BeginTxn(), send(0, "k", 0), send(0, "k", 1), send(0, "k", 2),
		send(1, "l", 0), send(1, "l", 1), send(1, "l", 2), producer.CommitTxn(),
		producer.BeginTxn(), send(0, "k", 3), send(0, "k", 4), producer.AbortTxn(),
		producer.BeginTxn(), send(0, "k", 5), send(0, "k", 6), producer.CommitTxn())
	if err != nil {
		t.Fatal(err)
	}
}

func deleteRecords(t *testing.T, topic string, before map[int32]int64) {
	t.Helper()
	admin, err := stack.Kafka(t).Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.DeleteRecords(topic, before); err != nil {
		t.Fatal(err)
	}
}

func TestReplayIsRefusedInWords(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	there := stack.Topic(t, 1)
	missing := there + ".missing"
	late := replay.Range{From: time.Now()}
	for name, c := range map[string]struct {
		options replay.Options
		code    int
		says    string
	}{
		"no range":        {replay.Options{}, status.ExitUsage, "which rows?"},
		"all and a range": {replay.Options{Rows: replay.Range{All: true, FromID: "1"}}, status.ExitUsage, "which rows?"},
		"not an id": {
			replay.Options{Rows: replay.Range{FromID: "x"}},
			status.ExitUsage,
			"--from-id, --to-id, --key: invalid input syntax for type uuid",
		},
		"no such column":   {replay.Options{Rows: replay.Range{From: late.From, TimeColumn: "at"}}, status.ExitUsage, `no column "at"`},
		"illegal topic":    {replay.Options{Rows: late, ToTopic: "no/slash"}, status.ExitUsage, "--to-topic"},
		"topic not there":  {replay.Options{Rows: late, ToTopic: missing}, status.ExitRequirement, "topic " + missing + " does not exist"},
		"source not there": {replay.Options{Topic: missing, ToTopic: there}, status.ExitRequirement, missing + " does not exist"},
		"no such partition": {
			replay.Options{Topic: there, ToTopic: there, Records: replay.Records{Partitions: []int32{3}}},
			status.ExitUsage, "--partition 3: topic " + there + " has 1 partitions",
		},
	} {
		_, _, err := openReplay(t, f, c.options)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		recovertest.WantHalt(t, err, c.code, c.says)
	}
}

// A record that Kafka refuses stops the replay, and it says what Kafka has.
func TestReplayStopsAtARejectedRecord(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	to := stack.Name(t)
	if err := stack.Kafka(t).CreateTopic(t.Context(), to, 1, -1, map[string]string{"max.message.bytes": "1000"}); err != nil {
		t.Fatal(err)
	}
	f.Exec(t, relaytest.Insert("a", 1), `INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		SELECT 'order', 'a', 'Created', jsonb_build_object('n', string_agg(md5(i::text), '')) FROM generate_series(1, 200) i`)
	r, plan, err := openReplay(t, f, replay.Options{Rows: replay.Range{All: true}, ToTopic: to})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Run(t.Context(), plan, func(republish.Result) {})
	recovertest.WantHalt(t, err, status.ExitHalted, "too", "run replay again")
}

func TestReplayKeepsToARateAndStopsWhenAsked(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	f.Exec(t, recovertest.Fill("a", 1, 2000))
	began := time.Now()
	records := replayed(t, f, replay.Options{ToTopic: stack.Topic(t, 1), Rows: replay.Range{All: true}, Rate: 4000})
	if took := time.Since(began); len(records) != 2000 || took < 450*time.Millisecond {
		t.Errorf("%d records in %v at 4000 a second", len(records), took)
	}
	r, plan, err := openReplay(t, f, replay.Options{ToTopic: stack.Topic(t, 1), Rows: replay.Range{All: true}, Rate: 1000})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	result, err := r.Run(ctx, plan, func(republish.Result) { cancel() })
	if !errors.Is(err, context.Canceled) || result.Rows < 1000 || result.Rows == 2000 || result.Acknowledged == 0 {
		t.Errorf("%+v %v", result, err)
	}
}
