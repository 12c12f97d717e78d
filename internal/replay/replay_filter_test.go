package replay_test

import (
	"testing"

	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/replay"
)

// Rows that are no events are not published again, whatever range they are in.
func TestReplayOfEventsAlone(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, configtest.Keys{"outbox.filter": configtest.Keys{"type": []string{"Created"}}})
	f.Exec(t, relaytest.Insert("a", 1), relaytest.Insert("b", 2),
		"INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('order', 'a', 'Noted', '{\"n\": 3}')")
	for _, c := range []struct {
		key  string
		want string
	}{{"", "map[a:1  b:2 ]"}, {"a", "map[a:1 ]"}} {
		wantValues(t, replayed(t, f, replay.Options{ToTopic: stack.Topic(t, 1), Rows: replay.Range{All: true, Key: c.key}}), c.want)
	}
}
