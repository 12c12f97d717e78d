package cli_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/dlt"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/pkg/inbox"
)

// consume runs a consumer of topic that cannot process the keys which begin with bad,
// until it has given up as many.
func (s setup) consume(t *testing.T, topic string, deadLetters int) {
	t.Helper()
	ddl, err := inbox.DDL("")
	if err != nil {
		t.Fatal(err)
	}
	s.db.Exec(t, ddl)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	given := 0
	consumer, err := inbox.New(inbox.Config{
		Brokers: stack.Kafka(t).Bootstrap(devstack.Plaintext), Group: stack.Name(t), Topics: []string{topic}, ErrorText: true,
		Observers: []inbox.Observer{inbox.ObserverFunc(func(o inbox.Observation) {
			if o.Kind == inbox.KindDeadLettered {
				if given++; given == deadLetters {
					cancel()
				}
			}
		})},
	}, inbox.SQL(devstacktest.OpenSQL(t, s.db.URL)), func(_ context.Context, _ *sql.Tx, e *inbox.Event) error {
		if strings.HasPrefix(string(e.Key), "bad") {
			return inbox.Permanent(errors.New("no such order"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := consumer.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

// deadLetterRelay starts a relay that writes dead letters. Topic b does not exist.
func deadLetterRelay(t *testing.T) (setup, *clitest.Walpost) {
	t.Helper()
	s := newSetup(t, keys{"delivery.on_reject": "dead_letter"})
	s.db.Exec(t, relaytest.OutboxDDL)
	for _, topic := range []string{".a", ".a.DLT", ".b.DLT"} {
		if err := stack.Kafka(t).CreateTopic(t.Context(), s.prefix+topic, 1, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	r := clitest.Start(t, "run", "-c", s.file)
	r.Writes(t, `"msg":"streaming"`)
	return s, r
}

// deadLetters has one dead letter of a relay, and three of a consumer beside an event
// that it could handle. The relay runs.
func deadLetters(t *testing.T) (setup, *clitest.Walpost) {
	t.Helper()
	s, r := deadLetterRelay(t)
	s.db.Exec(t, insert("a", "bad1", 4711), insert("a", "good", 2), insert("a", "bad2", 3), insert("a", "bad1", 4), insert("b", "lost", 5))
	devstacktest.Await(t, "the relay's dead letter", func() bool { return len(records(t, s.prefix+".b.DLT")) == 1 })
	s.consume(t, s.prefix+".a", 3)
	return s, r
}

func TestDLT(t *testing.T) {
	t.Parallel()
	s, r := deadLetters(t)
	kafka := stack.Kafka(t)
	dlt := func(command string, args ...string) result {
		return walpost(t, append([]string{"dlt", command, "-c", s.file}, args...)...)
	}
	lines := func(r result) int { return strings.Count(r.out, "\n") }

	list := dlt("list")
	list.want(t, 0, s.prefix+".a.DLT/0@0", "for="+s.prefix+".a ", "key=bad1", "reason=permanent", `error="no such order"`, "attempts=1",
		"value=<11 bytes>", s.prefix+".b.DLT/0@0", "reason=missing_topic")
	if lines(list) != 4 || strings.Contains(list.out, `{"n"`) {
		t.Errorf("list:\n%s", list.out)
	}
	dlt("show", "--key", "bad1", "--limit", "1", "--payload").want(t, 0, `{"n": 4711}`, "error class", "first failed", "header",
		"eventType=Created", "was           "+s.prefix+".a/0@0")
	one := dlt("list", "--json", "--topic", s.prefix+".b")
	one.want(t, 0)
	var letter struct {
		FromTopic     string `json:"from_topic"`
		FromPartition int    `json:"from_partition"`
		ValueBytes    int    `json:"value_bytes"`
		ID            string
		Value         *string
	}
	if err := json.Unmarshal([]byte(one.out), &letter); err != nil || letter.FromTopic != s.prefix+".b" || letter.FromPartition != -1 ||
		letter.ValueBytes == 0 || letter.Value != nil {
		t.Errorf("%v %s", err, one.out)
	}
	dlt("list", "--id", letter.ID).want(t, 0, "key=lost")
	dlt("list", "--since", "2h", "--group", "nobody").want(t, 0, "no dead letters")
	dlt("list", "--since", "2099-01-01").want(t, 0, "no dead letters")

	// Nothing is done without a yes.
	dlt("redrive", "--dry-run", "--key", "bad1").want(t, 0, "2 dead letters go back")
	dlt("redrive").want(t, 2, "nothing was done")
	if n := len(records(t, s.prefix+".a")); n != 4 {
		t.Fatalf("%d records, want 4", n)
	}
	walpostWith(t, "yes\n", "dlt", "redrive", "-c", s.file, "--key", "bad1").want(t, 0, "2 put back to "+s.prefix+".a", "done: 2 put back")
	var back []string
	now, err := kafka.Records(t.Context(), s.prefix+".a")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range now[4:] {
		back = append(back, string(r.Key)+" "+string(r.Value))
	}
	if want := `bad1 {"n": 4711}, bad1 {"n": 4}`; strings.Join(back, ", ") != want {
		t.Errorf("put back %q, want %q", back, want)
	}
	if list := dlt("list"); lines(list) != 2 || strings.Contains(list.out, "key=bad1") {
		t.Errorf("after redrive:\n%s", list.out)
	}
	dlt("list", "--handled").want(t, 0, "redriven")

	// A letter whose topic is not there stays; then it goes.
	dlt("redrive", "--yes", "--key", "lost").want(t, 4, "does not go back: its topic cannot have it: "+s.prefix+".b: Kafka says: ",
		"does not exist", "done: 0 put back",
		"1 dead letters stay where they are")
	if err := kafka.CreateTopic(t.Context(), s.prefix+".b", 3, 1, nil); err != nil {
		t.Fatal(err)
	}
	dlt("redrive", "--yes", "--key", "lost").want(t, 0, "1 put back to "+s.prefix+".b")

	dlt("discard", "--yes", "--remove").want(t, 0, "1 discarded", "done: 1 discarded",
		s.prefix+".a.DLT/0: deleted everything before offset ")
	dlt("list").want(t, 0, "no dead letters")
	r.Terminate(t)
	r.Exits(t, 0)
}

// send writes a record that no walpost has written.
func send(t *testing.T, m *sarama.ProducerMessage) {
	t.Helper()
	config := sarama.NewConfig()
	config.Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducer(stack.Kafka(t).Bootstrap(devstack.Plaintext), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = producer.Close() }()
	if _, _, err := producer.SendMessage(m); err != nil {
		t.Fatal(err)
	}
}

func TestDLTRefuses(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	walpost(t, "dlt").want(t, 2, "a command is needed")
	walpost(t, "dlt", "list", "-c", s.file, "--topic", "[").want(t, 2, "--topic")
	walpost(t, "dlt", "list", "-c", s.file, "--since", "soon").want(t, 2, "--since")
	walpost(t, "dlt", "list", "-c", s.file, "--limit", "-1").want(t, 2, "--limit")
	walpost(t, "dlt", "list", "-c", s.file).want(t, 3, "no dead letter topic like "+s.prefix+".*.DLT")
	walpost(t, "dlt", "list", "-c", s.file, "--dead-letter", "nowhere").want(t, 3, "nowhere")

	// What is not walpost's is left alone.
	topic := s.prefix + ".other.DLT"
	if err := stack.Kafka(t).CreateTopic(t.Context(), topic, 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	send(t, &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("x")})
	walpost(t, "dlt", "list", "-c", s.file).want(t, 0, "1 records do not say where they were", "no dead letters")
	walpost(t, "dlt", "redrive", "-c", s.file, "--yes").want(t, 0, "0 dead letters go back")
}

// The headers of a dead letter may be of any length. A line shows as much of each as a name
// or a sentence has.
func TestDLTListIsShort(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	topic := s.prefix + ".a.DLT"
	if err := stack.Kafka(t).CreateTopic(t.Context(), topic, 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	long := func(letter string) string { return strings.Repeat(letter, 20_000) }
	m := &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(long("k"))}
	for name, value := range map[string]string{
		"id": long("i"), dlt.HeaderTopic: s.prefix + ".a", dlt.HeaderGroup: long("g"), dlt.HeaderReason: long("r"),
		dlt.HeaderIncomplete: long("l"), dlt.HeaderError: long("e"),
	} {
		m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(name), Value: []byte(value)})
	}
	send(t, m)
	list := walpost(t, "dlt", "list", "-c", s.file)
	list.want(t, 0, "key=k", "id=i", "group=g", "reason=r", `lacks="l`, `error="e`)
	for letter, limit := range map[string]int{"k": 255, "i": 255, "g": 255, "r": 255, "l": 4 << 10, "e": 4 << 10} {
		if strings.Contains(list.out, strings.Repeat(letter, limit+1)) || !strings.Contains(list.out, strings.Repeat(letter, limit)+"…") {
			t.Errorf("%s: want %d bytes of it:\n%s", letter, limit, list.out)
		}
	}
	walpost(t, "dlt", "show", "-c", s.file).want(t, 0, long("g"), long("l"))
}

// A dead letter without its value is told as such, and does not go back: what would go
// back is not what was written. It says where the row is.
func TestRow114_IncompleteDoesNotGoBack(t *testing.T) {
	t.Parallel()
	s, r := deadLetterRelay(t)
	const id = "00000000-0000-0000-0000-000000000114"
	s.db.Exec(t, `INSERT INTO outbox SELECT '`+id+`', 'a', 'k', 'Large', to_jsonb(string_agg(md5(i::text), '')) FROM `+
		`generate_series(1, 44000) i`,
		insert("b", "lost", 5), insert("a", "good", 2))
	devstacktest.Await(t, "the record behind", func() bool {
		return len(records(t, s.prefix+".a")) == 1 && len(records(t, s.prefix+".b.DLT")) == 1
	})
	r.Terminate(t)
	r.Exits(t, 0)
	dlt := func(command string, args ...string) result {
		return walpost(t, append([]string{"dlt", command, "-c", s.file}, args...)...)
	}
	dlt("list", "--id", id).want(t, 0, "reason=too_large", "value=null", `lacks="value of 1408002 bytes"`)
	dlt("show", "--id", id).want(t, 0, "lacks         value of 1408002 bytes", "position      0000")
	dlt("list", "--id", id, "--json").want(t, 0, `"incomplete":"value of 1408002 bytes","position":"0000`)
	replay := "walpost replay -c " + s.file + " --from-id " + id + " --to-id " + id
	dlt("redrive", "--dry-run").want(t, 0, "lacks value of 1408002 bytes: it does not go back", replay, "1 dead letters go back")
	dlt("redrive", "--yes", "--id", id).want(t, 4, "0 dead letters go back", replay, "1 dead letters stay where they are")
	if err := stack.Kafka(t).CreateTopic(t.Context(), s.prefix+".b", 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	dlt("redrive", "--yes").want(t, 4, "1 put back to "+s.prefix+".b", "1 dead letters stay where they are")
	if n := len(records(t, s.prefix+".a")); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
	dlt("discard", "--yes", "--id", id).want(t, 0, "done: 1 discarded")
	dlt("redrive", "--yes").want(t, 0, "0 dead letters go back")
}
