package cli_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// schemas are keys of records that are JSON with schemas all over.
var schemas = keys{
	"delivery.on_reject": "dead_letter", "outbox.format.key": "json_schema", "outbox.format.value": "json_schema",
	"outbox.format.headers": "json_schema", "outbox.format.envelope": []any{"type"}, "outbox.format.topic_prefix": "shop",
}

// Ids of three events.
const (
	idSent  = "00000000-0000-0000-0000-000000000001"
	idLost  = "00000000-0000-0000-0000-000000000002" // its topic is missing
	idLarge = "00000000-0000-0000-0000-000000000003" // its record is too large
)

// newSchemaRelay makes a relay of records with schemas, and starts it. Three events are sent,
// of which two are dead letters.
func newSchemaRelay(t *testing.T) (setup, *clitest.Walpost) {
	t.Helper()
	s := newSetup(t, schemas)
	s.db.Exec(t, relaytest.OutboxDDL)
	for topic, settings := range map[string]map[string]string{
		".a": nil, ".b.DLT": nil, ".large.DLT": nil, ".large": {"max.message.bytes": "8000000"},
	} {
		if err := stack.Kafka(t).CreateTopic(t.Context(), s.prefix+topic, 1, 1, settings); err != nil {
			t.Fatal(err)
		}
	}
	r := clitest.Start(t, "run", "-c", s.file)
	r.Writes(t, `"msg":"streaming"`)
	const values = "INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload) VALUES ('%s', '%s', '%s', 'Created', %s)"
	s.db.Exec(t, fmt.Sprintf(values, idLost, "b", "lost", `'{"n": 1}'`), fmt.Sprintf(values, idLarge, "large", "k",
		"(SELECT to_jsonb(string_agg(md5(i::text), '')) FROM generate_series(1, 44000) i)"),
		"UPDATE outbox SET type = 'Other' WHERE id = '"+idLarge+"'", // its payload is in TOAST
		"UPDATE outbox SET type = 'Created' WHERE id = '"+idLarge+"'",
		fmt.Sprintf(values, idSent, "a", "k1", `'{"n": 4711}'`))
	devstacktest.Await(t, "the records", func() bool {
		return len(records(t, s.prefix+".a")) == 1 && len(records(t, s.prefix+".b.DLT")) == 1 && len(records(t, s.prefix+".large.DLT")) == 1
	})
	return s, r
}

// What commands show of JSON can be read, and may be given to them as the table has it.
func TestCommandsReadJSON(t *testing.T) {
	t.Parallel()
	s, r := newSchemaRelay(t)
	r.Terminate(t)
	r.Exits(t, 0)
	asWritten := string(kafkaRecords(t, s.prefix+".a")[0].Key)
	for _, filter := range [][]string{{"--id", idSent}, {"--key", "k1"}, {"--key", asWritten}} {
		tail := append([]string{"tail", "-c", s.file, "--from-beginning", "-n", "1", "--payload"}, filter...)
		got := walpost(t, tail...)
		got.want(t, 0, `key="k1" id="`+idSent+`" eventType="Created" value={"payload":"{\"n\": 4711}","type":"Created"}`)
		if strings.Contains(got.out, "schema") {
			t.Errorf("it shows schemas: %s", got.out)
		}
		walpost(t, append(tail, "--json")...).want(t, 0, `shop.public.outbox.a.Value`)
	}
	for _, filter := range [][]string{{"--id", idLost}, {"--key", "lost"}} {
		list := append([]string{"dlt", "list", "-c", s.file, "--payload"}, filter...)
		walpost(t, list...).want(t, 0, `key="lost" id=`+idLost+" reason=missing_topic", `value={"payload":"{\"n\": 1}","type":"Created"}`)
		walpost(t, append(list, "--json")...).want(t, 0, `"id":"`+idLost+`"`, "shop.public.outbox.b.Value")
	}
	walpost(t, "dlt", "show", "-c", s.file, "--id", idLost).want(t, 0, "id            "+idLost, `key           "lost"`,
		`eventType="Created"`)
}

// What goes back from a dead letter topic, and what is replayed once limits are larger, are
// the records of the relay for the same rows.
func TestRedriveAndReplayOfJSON(t *testing.T) {
	t.Parallel()
	s, r := newSchemaRelay(t)
	if err := stack.Kafka(t).CreateTopic(t.Context(), s.prefix+".b", 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	replay := "walpost replay -c " + s.file + " --from-id " + idLarge + " --to-id " + idLarge
	walpost(t, "dlt", "redrive", "-c", s.file, "--yes").want(t, 4, "1 put back to "+s.prefix+".b", replay+"`")
	r.Terminate(t)
	r.Exits(t, 0)

	larger := s.yaml(t, schemas.With(keys{"kafka.max_message_bytes": "6MiB"}))
	if err := os.WriteFile(s.file, []byte(larger), 0o600); err != nil {
		t.Fatal(err)
	}
	walpost(t, append(strings.Fields(replay)[1:], "--yes")...).want(t, 0, "done: 1 records published")
	r = clitest.Start(t, "run", "-c", s.file)
	r.Writes(t, `"msg":"streaming"`)
	s.db.Exec(t, "CREATE TEMPORARY TABLE kept AS TABLE outbox", "DELETE FROM outbox", "INSERT INTO outbox TABLE kept")
	for _, topic := range []string{".b", ".large"} {
		devstacktest.Await(t, "the relay's record", func() bool { return len(records(t, s.prefix+topic)) == 2 })
		both := kafkaRecords(t, s.prefix+topic)
		if got, want := wholeRecord(both[0]), wholeRecord(both[1]); got != want {
			t.Errorf("got %.900s\nwant %.900s", got, want)
		}
	}
	r.Terminate(t)
	r.Exits(t, 0)
}

func kafkaRecords(t *testing.T, topic string) []*sarama.ConsumerMessage {
	t.Helper()
	found, err := stack.Kafka(t).Records(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// wholeRecord is key, headers and value of a record, but for walpost's own headers.
func wholeRecord(rec *sarama.ConsumerMessage) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q", rec.Key)
	for _, h := range rec.Headers {
		if !strings.HasPrefix(string(h.Key), "walpost-") {
			fmt.Fprintf(&b, " %s=%q", h.Key, h.Value)
		}
	}
	fmt.Fprintf(&b, " %q", rec.Value)
	return b.String()
}
