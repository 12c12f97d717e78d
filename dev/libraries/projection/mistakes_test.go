package projection_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection"
)

// What a newcomer does wrong is in the log, with what to do. A database that is not there is
// not said to be Kafka.
func TestMistakesAreExplained(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(f *fixture, c *projection.Config)
		words  []string
	}{
		"no position table": {
			func(f *fixture, _ *projection.Config) { f.Exec(t, "DROP TABLE projection_position") },
			[]string{"projection: read projection_position (create the table: projection.DDL"},
		},
		"no topic": {
			func(_ *fixture, c *projection.Config) { c.Topics = []string{"nobody-made-it"} },
			[]string{
				"projection: topic nobody-made-it: kafka server: ",
				"create it: kafka-topics.sh --bootstrap-server 127.0.0.1:", "--create --topic nobody-made-it",
			},
		},
		"no database": {
			func(f *fixture, _ *projection.Config) { f.URL = "postgres://postgres@127.0.0.1:1/none" },
			[]string{`msg="projection: failed, and is tried again"`, "begin a transaction: failed to connect"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, 1)
			config := f.config(t)
			test.change(f, &config)
			var log devstacktest.Output
			config.Observers = []inbox.Observer{inbox.Log(slog.New(slog.NewTextHandler(&log, nil)))}
			r := start(t, f.new(t, config, apply))
			devstacktest.Await(t, "the words", func() bool {
				return !slices.ContainsFunc(test.words, func(word string) bool { return !strings.Contains(log.String(), word) })
			})
			r.stop()
			<-r.done
		})
	}
}
