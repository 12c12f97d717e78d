package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

func TestTail(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	s.db.Exec(t, relaytest.OutboxDDL)
	if err := stack.Kafka(t).CreateTopic(t.Context(), s.prefix+".a", 2, 1, nil); err != nil {
		t.Fatal(err)
	}
	r := clitest.Start(t, "run", "-c", s.file)
	r.Writes(t, `"msg":"streaming"`)
	const id = "11111111-1111-1111-1111-111111111111"
	s.db.Exec(t, insert("a", "k1", 4711), insert("a", "k2", 2),
		"INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload) VALUES ('"+id+"', 'a', E'k\\x1b[31m3', 'Paid', NULL)")
	devstacktest.Await(t, "the records", func() bool { return len(records(t, s.prefix+".a")) == 3 })

	all := walpost(t, "tail", "-c", s.file, "--from-beginning", "-n", "3")
	all.want(t, 0, s.prefix+".a/", "key=k1 ", "id="+id, "eventType=Created", "value=<11 bytes>", "value=null", `key="k\x1b[31m3"`)
	if strings.Contains(all.out, `{"n"`) || strings.Contains(all.out, "\x1b") {
		t.Errorf("a payload, or what a terminal obeys, is shown: %q", all.out)
	}
	walpost(t, "tail", "-c", s.file, "--from-beginning", "-n", "1", "--key", "k1", "--payload").want(t, 0, `value={"n": 4711}`)
	one := walpost(t, "tail", "-c", s.file, "--from-beginning", "-n", "1", "--id", id, "--json", "--topic", s.prefix+".*")
	one.want(t, 0)
	var rec struct {
		Topic      string
		ValueBytes *int `json:"value_bytes"`
		Headers    []struct{ Name, Value string }
	}
	if err := json.Unmarshal([]byte(one.out), &rec); err != nil || rec.Topic != s.prefix+".a" || rec.ValueBytes != nil ||
		rec.Headers[1].Value != "Paid" {
		t.Errorf("%v %+v", err, rec)
	}

	// What comes while it runs, in a topic that was made since.
	live := clitest.Start(t, "tail", "-c", s.file, "--payload", "--topic", s.prefix+".b")
	live.Writes(t, "waiting for it")
	if err := stack.Kafka(t).CreateTopic(t.Context(), s.prefix+".b", 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	s.db.Exec(t, insert("b", "k", 8))
	live.Writes(t, `value={"n": 8}`)
	live.Terminate(t)
	live.Exits(t, 0)
}

func TestTailRefuses(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	walpost(t, "tail", "-c", s.file, "--topic", "[").want(t, 2, "--topic")
	nowhere := s.write(t, keys{"kafka.brokers": []string{nobody}})
	walpost(t, "tail", "-c", nowhere).want(t, 3, "127.0.0.1:1")
}
