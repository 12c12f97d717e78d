package replay_test

import (
	"testing"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/replay"
	"github.com/walpost/walpost/internal/status"
)

func TestReplayOfOneKey(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	f.Exec(t, relaytest.Insert("a", 1), relaytest.Insert("a", 2), relaytest.Insert("b", 3),
		`INSERT INTO outbox (aggregatetype, aggregateid, payload) VALUES ('order', 'a', '{"n": 4}')`)
	several := config.Key{Columns: []string{"aggregateid", "type"}}
	for _, c := range []struct {
		key  config.Key
		text string
		want string
	}{
		{several, `["a", "Created"]`, `map[["a","Created"]:1 2 ]`},
		{several, `["a", null]`, `map[["a",null]:4 ]`},
		{config.Key{JSON: "payload", Member: "n"}, "3", "map[3:3 ]"},
	} {
		f.Config.Outbox.Key = c.key
		o := replay.Options{ToTopic: stack.Topic(t, 2), Rows: replay.Range{All: true, Key: c.text}}
		wantValues(t, replayed(t, f, o), c.want)
	}
	f.Config.Outbox.Key = several
	for _, key := range []string{"a", `["a"]`, `[null,null]`, `["a",1]`} {
		_, _, err := openReplay(t, f, replay.Options{Rows: replay.Range{All: true, Key: key}})
		if status.ExitCode(err) != status.ExitUsage {
			t.Errorf("%s: %v", key, err)
		}
	}
}
