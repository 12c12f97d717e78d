package cli_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// records are the values in a topic.
func records(t *testing.T, topic string) []string {
	t.Helper()
	list, err := stack.Kafka(t).Records(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, r := range list {
		values = append(values, string(r.Value))
	}
	return values
}

// freePort is the key of an admin server on any free port.
var freePort = keys{"admin.listen": "127.0.0.1:0"}

func TestRunRelaysAndStopsInOrder(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	if err := stack.Kafka(t).CreateTopic(t.Context(), s.prefix+".a", 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	walpost(t, "init", "-c", s.file).want(t, 0)
	const canary = "canary-0815"
	r := clitest.Start(t, "run", "-c", s.write(t, freePort.With(keys{"log.level": "debug", "postgres.password": canary})))
	r.Writes(t, `"streaming"`)
	s.db.Exec(t, insert("a", "k", 1), "INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload) SELECT gen_random_uuid(), "+
		"'a', 'k', 'T', '{}' FROM generate_series(1, 1000)")
	devstacktest.Await(t, "1001 records", func() bool { return len(records(t, s.prefix+".a")) == 1001 })
	if code, body := r.Get(t, "/readyz"); code != http.StatusOK || body != s.db.Name+": streaming\n" {
		t.Errorf("/readyz %d %q", code, body)
	}
	if code, _ := r.Get(t, "/healthz"); code != http.StatusOK {
		t.Errorf("/healthz %d", code)
	}
	code, body := r.Get(t, "/metrics")
	for _, line := range []string{
		`walpost_state{relay="NAME",state="streaming"} 1`, `walpost_events_published_total{relay="NAME",topic="PREFIX.a"} 1001`,
		`walpost_in_flight_events{relay="NAME"} 0`,
	} {
		line = strings.NewReplacer("NAME", s.db.Name, "PREFIX", s.prefix).Replace(line)
		if code != http.StatusOK || !strings.Contains(body, line+"\n") {
			t.Errorf("/metrics %d without %s", code, line)
		}
	}
	r.Terminate(t)
	r.Exits(t, 0)
	r.Writes(t, `"walpost ends"`)
	if strings.Contains(r.Log.String()+body, canary) {
		t.Error("the password is in the log or in the metrics")
	}
	if values := records(t, s.prefix+".a"); len(values) != 1001 || values[0] != `{"n": 1}` {
		t.Errorf("%d records, the first %q", len(values), values[0])
	}
}

// A relay that halts leaves the other of the process running.
func TestTwoRelaysInOneProcess(t *testing.T) {
	t.Parallel()
	good, bad := newSetup(t, nil), newSetup(t, nil)
	dir := t.TempDir()
	for name, s := range map[string]setup{"bad.yaml": bad, "good.yaml": good} {
		s.db.Exec(t, relaytest.OutboxDDL)
		if err := stack.Kafka(t).CreateTopic(t.Context(), s.prefix+".a", 1, 1, nil); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s.yaml(t, freePort)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := clitest.Start(t, "run", "-c", dir)
	devstacktest.Await(t, "both relays", func() bool { return strings.Count(r.Log.String(), `"msg":"streaming"`) == 2 })
	bad.db.Exec(t, insert("a", "k", 1), insert("no/topic", "k", 2))
	r.Writes(t, `"halted"`)
	devstacktest.Await(t, "/readyz to say it", func() bool {
		code, body := r.Get(t, "/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, bad.db.Name+": halted: ") &&
			strings.Contains(body, good.db.Name+": streaming")
	})
	good.db.Exec(t, insert("a", "k", 3))
	devstacktest.Await(t, "the healthy one's record", func() bool { return len(records(t, good.prefix+".a")) == 1 })
	r.Terminate(t)
	r.Exits(t, 0) // the code of the last to end

	single := clitest.Start(t, "run", "-c", bad.file)
	single.Exits(t, 4)
}

func TestRunRefusesWhatItCannotRun(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	r := clitest.Start(t, "run", "-c", s.file)
	r.Exits(t, 3)
	r.Writes(t, "walpost init -c FILE")

	s.db.Exec(t, relaytest.OutboxDDL) // so that nothing but the listener is in the way
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	r = clitest.Start(t, "run", "-c", s.write(t, keys{"admin.listen": taken.Addr().String()}))
	r.Exits(t, 3)
	r.Writes(t, "address already in use")
	if s.slots(t) != 0 {
		t.Error("the relay was started")
	}
}

// A second signal ends at once, with 1: Kafka is away, and what was read is not
// acknowledged.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	s.db.Exec(t, relaytest.OutboxDDL)
	nowhere := s.write(t, freePort.With(keys{"shutdown_timeout": "1h", "kafka.brokers": []string{nobody}}))
	r := clitest.Start(t, "run", "-c", nowhere)
	r.Writes(t, `"msg":"streaming"`)
	s.db.Exec(t, insert("a", "k", 1))
	devstacktest.Await(t, "the row to be read", func() bool {
		_, body := r.Get(t, "/metrics")
		return strings.Contains(body, `walpost_in_flight_events{relay="`+s.db.Name+`"} 1`+"\n")
	})
	r.Terminate(t)
	r.Writes(t, `"asked to stop"`)
	r.Terminate(t)
	r.Exits(t, 1)
}

// A fault in one file refuses all, before anything is contacted.
func TestOneWrongFileRefusesAll(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	s.db.Exec(t, relaytest.OutboxDDL)
	wrong := configtest.File(t, "name: wrong\n")
	r := clitest.Start(t, "run", "-c", s.file, "-c", wrong)
	r.Exits(t, 2)
	r.Writes(t, wrong+":1:1: ")
	if s.slots(t) != 0 {
		t.Error("the sound file's relay was started")
	}
}

// SIGHUP reads log.level again while events flow.
func TestHangUpReadsTheLogLevel(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	s.db.Exec(t, relaytest.OutboxDDL)
	file := s.write(t, keys{"log.level": "info"})
	change := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := clitest.Start(t, "run", "-c", file)
	r.Writes(t, `"msg":"streaming"`)
	change("titel: x\n")
	r.Signal(t, syscall.SIGHUP)
	r.Writes(t, "titel")
	r.Writes(t, "log.level stays as it is")
	change(s.yaml(t, keys{"log.level": "error"}))
	r.Signal(t, syscall.SIGHUP)
	r.Writes(t, `"log_level":"error","before":"info"`)
	r.Terminate(t)
	r.Exits(t, 0)
	if strings.Contains(r.Log.String(), "asked to stop") {
		t.Error("lines of level info at level error")
	}
}
