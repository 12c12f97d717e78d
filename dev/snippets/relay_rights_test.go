package snippets_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
)

// relayFile writes the file of a relay that is named after its role, for another role too. A line may be added.
func relayFile(t *testing.T, db devstacktest.Database, name, role, line string) string {
	t.Helper()
	const configuration = `name: %s
postgres: {url: %q}
kafka: {brokers: [%q], topics: {create: true}}
admin: {listen: "127.0.0.1:0"}
%s
`
	broker := stack.Kafka(t).Bootstrap(devstack.Plaintext)[0]
	return write(t, t.TempDir(), "relay.yaml", fmt.Sprintf(configuration, name, as(t, db.URL, role), broker, line))
}

// ran runs a command of walpost. What it says is the error, if it fails.
func ran(t *testing.T, arguments ...string) error {
	t.Helper()
	text, err := clitest.Command(t, arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	return nil
}

// event writes an event of an aggregate that no other test has: they share topics.
func event(aggregate string) string {
	return "INSERT INTO outbox VALUES (gen_random_uuid(), '" + aggregate + "', '42', 'OrderPlaced', '1')"
}

func TestRightsOfARelay(t *testing.T) {
	t.Parallel()
	const attributes = "REPLICATION"
	db := stack.Database(t)
	actor{blocks: []string{"relay_init.sql"}, attributes: attributes, do: func(t *testing.T, _ *sql.DB, role string) error {
		db.Exec(t, "DROP TABLE IF EXISTS outbox")
		return ran(t, "init", "-c", relayFile(t, db, role, role, ""))
	}}.tried(t, db)
	db.Exec(t, "DROP TABLE IF EXISTS outbox")
	if err := ran(t, "init", "-c", relayFile(t, db, db.Name, "postgres", "")); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, event(db.Name))
	for _, command := range [][]string{
		{"audit"}, {"replay", "--all", "--yes"}, {"recover", "--all", "--force", "--yes"},
	} {
		actor{blocks: []string{"relay_read.sql"}, attributes: attributes, do: func(t *testing.T, _ *sql.DB, role string) error {
			return ran(t, append(command, "-c", relayFile(t, db, db.Name, role, ""))...)
		}}.tried(t, db)
	}
	actor{blocks: []string{"relay_read.sql"}, attributes: attributes, do: func(t *testing.T, _ *sql.DB, role string) error {
		db.Exec(t, event(role))
		said, err := clitest.Command(t, "init", "-c", relayFile(t, db, db.Name, role, "")).CombinedOutput()
		if err == nil && !strings.Contains(string(said), "created topic outbox.event."+role) {
			err = errors.New("no topic")
		}
		if err != nil {
			return fmt.Errorf("%w: %s", err, said)
		}
		return nil
	}}.tried(t, db)
	actor{blocks: []string{"relay_prune.sql"}, attributes: attributes, do: func(t *testing.T, _ *sql.DB, role string) error {
		return pruned(t, db, relayFile(t, db, db.Name, role, "outbox: {prune: {every: 1s}}"))
	}}.tried(t, db)
}

// pruned runs a relay until it has published and deleted a row, or says what it lacks.
func pruned(t *testing.T, db devstacktest.Database, file string) (lacks error) {
	t.Helper()
	db.Exec(t, event(db.Name))
	relay := clitest.Start(t, "run", "-c", file)
	devstacktest.Await(t, "no row, or a word", func() bool {
		if log := relay.Log.String(); strings.Contains(log, "permission denied") {
			lacks = errors.New(log)
		}
		return lacks != nil || devstacktest.Value[int](t, db.Conn, "SELECT count(*) FROM outbox") == 0
	})
	relay.Terminate(t)
	relay.Exits(t, 0)
	return lacks
}
