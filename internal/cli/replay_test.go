package cli_test

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

func TestReplayShowsAsksAndPublishes(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"outbox.topic": "PREFIX.all", "delivery.on_reject": "stop"})
	s.db.Exec(t, relaytest.OutboxDDL, insert("a", "k", 1), insert("a", "k", 2), insert("a", "l", 3))
	to := stack.Topic(t, 2)
	plan := []string{"3 rows of public.outbox", "3 to topic " + to, "with the header walpost-replay: 20"}
	walpost(t, "replay", "--all", "--to-topic", to, "--dry-run", "-c", s.file).want(t, 0, plan...)
	walpostWith(t, "no\n", "replay", "--all", "--to-topic", to, "-c", s.file).want(t, 2, "Type yes", "nothing was done")
	if values := records(t, to); len(values) != 0 {
		t.Fatalf("published without leave: %q", values)
	}
	walpostWith(t, "yes\n", "replay", "--all", "--key", "k", "--to-topic", to, "-c", s.file).want(t, 0, "done: 2 records published")
	if values := records(t, to); len(values) != 2 {
		t.Errorf("%q", values)
	}
	again := stack.Topic(t, 3)
	walpost(t, "replay", "--topic", to, "--from", "1h", "--to-topic", again, "--rate", "1000", "--yes", "-c", s.file).want(t, 0,
		"up to 2 records of topic "+to, "offsets 0 to 1", "at most 1000 a second", "done: 2 records published")
	if values := records(t, again); len(values) != 2 {
		t.Errorf("%q", values)
	}
	walpost(t, "replay", "--topic", to, "--from-offset", "2", "--to-topic", again, "-c", s.file).want(t, 0, "up to 0 records")
}

func TestReplayFlagsThatDoNotGoTogether(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"outbox.topic": "PREFIX.all"})
	other := unasked("other").File(t)
	for want, args := range map[string][]string{
		"--from-offset goes with --topic":         {"--all", "--from-offset", "3"},
		"--key does not go with --topic":          {"--topic", "x", "--to-topic", "y", "--key", "k"},
		"--topic needs --to-topic":                {"--topic", "x"},
		"--rate -1":                               {"--all", "--rate", "-1"},
		`--from: "yesterday" is no time`:          {"--from", "yesterday"},
		"replay takes one file":                   {"--all", "-c", other},
		`unknown flag: --form; did you mean --fr`: {"--form", "1h"},
	} {
		walpost(t, append([]string{"replay", "-c", s.file}, args...)...).want(t, 2, want)
	}
}

// Asked to stop, it says what Kafka has, and run again it publishes all of it.
func TestReplayIsInterrupted(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"outbox.topic": "PREFIX.all"})
	s.db.Exec(t, relaytest.OutboxDDL)
	for n := range 30 {
		s.db.Exec(t, insert("a", "k", n))
	}
	to := stack.Topic(t, 1)
	r := clitest.Start(t, "replay", "--all", "--to-topic", to, "--rate", "2", "--yes", "-c", s.file)
	devstacktest.Await(t, "a record", func() bool { return len(records(t, to)) > 0 })
	r.Terminate(t)
	r.Exits(t, 1)
	r.Writes(t, "interrupted: Kafka has the first ")
	before := len(records(t, to))
	if before == 30 {
		t.Fatal("it was not interrupted")
	}
	walpost(t, "replay", "--all", "--to-topic", to, "--yes", "-c", s.file).want(t, 0, "done: 30 records published")
	if values := records(t, to); len(values) != before+30 {
		t.Errorf("%d records after %d", len(values), before)
	}
}
