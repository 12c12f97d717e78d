package cli_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
)

// evil is what a role that may INSERT can write, for a terminal: a colour, a line that
// looks like walpost's own, a C1 control, and marks of direction.
const evil = "a\x1b[31mRED\nok forged line\r\x1b]0;title\a\u009b2J\u202eevil\u2066\x7f"

// literal returns the text as SQL writes it.
func literal(text string) string {
	return "E'" + strings.NewReplacer("\n", `\n`, "\r", `\r`, "\x1b", `\x1b`, "\a", `\x07`, "\x7f", `\x7f`).Replace(text) + "'"
}

// harmless fails the test when a terminal would do something at an output.
func harmless(t *testing.T, what, output string) {
	t.Helper()
	if !utf8.ValidString(output) {
		t.Errorf("%s writes what is not UTF-8: %q", what, output)
	}
	for line := range strings.Lines(output) {
		text := strings.TrimSuffix(line, "\n")
		if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
			t.Errorf("%s writes a control character: %q", what, line)
		}
		if strings.HasPrefix(strings.TrimSpace(text), "ok forged line") {
			t.Errorf("%s writes a line that is not its own: %q", what, output)
		}
	}
}

// Whatever rows, headers, topics and other roles' names hold, no command writes a
// control character of it, nor a line that it forged; JSON stays JSON.
func TestRow126_ControlCharacters(t *testing.T) {
	t.Parallel()
	s := evilSetup(t)
	show := func(args ...string) result {
		t.Helper()
		r := walpostWith(t, "no\n", append(args, "-c", s.file)...)
		harmless(t, strings.Join(args, " "), r.out+r.err)
		return r
	}
	shown := func(r result, text string) {
		t.Helper()
		if !strings.Contains(r.out+r.err, text) {
			t.Errorf("%q is not in\n%s%s", text, r.out, r.err)
		}
	}
	row := func(n int) string {
		return fmt.Sprintf("INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload) VALUES (%s || %d, %s, %[1]s, %[1]s, "+
			"jsonb_build_object('n', %[2]d, 't', 'x'))", literal(evil), n, literal(evil))
	}
	s.db.Exec(t, "BEGIN", row(1), "PREPARE TRANSACTION "+literal("x\x1b[31mGID\nok forged line"))
	s.db.Exec(t, row(2))
	shown(show("check"), `GID`)
	show("check", "--json")
	waits := clitest.Start(t, "run", "-c", s.console)
	waits.Writes(t, "creating slot") // not in a field
	s.db.Exec(t, "ROLLBACK PREPARED "+literal("x\x1b[31mGID\nok forged line"))
	waits.Writes(t, "streaming")
	s.db.Exec(t, row(3))
	waits.Exits(t, 4)
	harmless(t, "the console log", strings.ReplaceAll(waits.Log.String(), "\t", " ")) // its own
	devstacktest.Await(t, "the slot to be free", devstacktest.Released(t, s.db.Conn, s.slot()))
	s.db.Exec(t, fmt.Sprintf("SELECT pg_drop_replication_slot('%s')", s.slot()), `DROP PUBLICATION "`+s.slot()+`"`)

	shown(show("init", "--dry-run"), `RED\nok forged line`)
	show("init", "--json")
	r := clitest.Start(t, "run", "-c", s.file)
	r.Writes(t, `"msg":"streaming"`)
	s.db.Exec(t, row(4), row(5))
	devstacktest.Await(t, "the dead letters", func() bool { return len(records(t, s.prefix+".DLT")) == 2 })
	put(t, s.prefix+".DLT")
	for _, args := range [][]string{
		{"list"}, {"show", "--payload"}, {"list", "--json"}, {"redrive", "--dry-run"}, {"redrive"}, {"discard"},
	} {
		show(append([]string{"dlt"}, args...)...)
	}
	shown(show("dlt", "list"), `ok forged line`)
	shown(show("tail", "--topic", s.prefix+".DLT", "--from-beginning", "-n", "3"), `RED\nok`)
	show("tail", "--topic", s.prefix+".DLT", "--from-beginning", "-n", "3", "--payload")
	show("tail", "--topic", s.prefix+".DLT", "--from-beginning", "-n", "3", "--payload", "--json")
	show("status")
	show("status", "--json")
	show("topics", "plan")
	r.Terminate(t)
	r.Exits(t, 0)
	harmless(t, "the log", r.Log.String())
	s.db.Exec(t, row(6))
	shown(show("audit", "--wait", "1s"), `RED\nok`)
	show("audit", "--json", "--wait", "1s")
	shown(show("replay", "--all", "--dry-run"), `RED\nok`)
	show("replay", "--all")
	shown(show("recover", "--all", "--force", "--dry-run"), `RED\nok`)
	show("recover", "--all", "--force")
	show("recover", "--after-id", evil, "--force", "--dry-run")
	show("drop")
}

// evilFiles is a database of a server of its own, which takes prepared transactions,
// and files for it.
type evilFiles struct {
	setup
	console string // the same, which halts and logs for a terminal
}

func (s evilFiles) slot() string { return "walpost_" + s.db.Name }

// toDLT are the keys of a relay with dead letters.
var toDLT = keys{"delivery.on_reject": "dead_letter", "delivery.dead_letter": "PREFIX.DLT"}

func evilSetup(t *testing.T) evilFiles {
	t.Helper()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Settings: map[string]string{"max_prepared_transactions": "5"}})
	s := evilFiles{setup: setup{prefix: stack.Name(t)}}
	s.db = devstacktest.Database{Name: stack.Name(t)}
	conn, err := server.Connect(t.Context(), "postgres")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	s.db.Conn, s.db.URL = conn, server.URL("postgres")
	s.db.Exec(t, "CREATE TABLE outbox (id text, aggregatetype text NOT NULL, aggregateid text, type text, payload jsonb)")
	if err := stack.Kafka(t).CreateTopic(t.Context(), s.prefix+".DLT", 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	s.file = s.write(t, toDLT)
	s.console = s.write(t, keys{"log.format": "console"})
	return s
}

// put writes a record that nobody's library would: its headers say what a dead letter's
// do, and hold bytes that are not UTF-8.
func put(t *testing.T, topic string) {
	t.Helper()
	settings := sarama.NewConfig()
	settings.Producer.Return.Successes = true
	p, err := sarama.NewSyncProducer(stack.Kafka(t).Bootstrap(devstack.Plaintext), settings)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	m := &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(evil), Value: sarama.StringEncoder(evil + "\xff")}
	for _, name := range []string{"id", "walpost-dlt-topic", "walpost-dlt-reason", "walpost-dlt-error", "walpost-dlt-group", evil} {
		m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(name), Value: []byte(evil + "\xff")})
	}
	if _, _, err := p.SendMessage(m); err != nil {
		t.Fatal(err)
	}
}
