package e2e_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/oracle"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// rejected is an event that Kafka can never accept.
const rejected = `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('no/topic', 'k', 'Created', '{}')`

// sections are the sections of a configuration file. URL, BROKERS and PREFIX in
// them stand for what the fixture has.
type sections map[string]string

// fixture is a database with an outbox, a topic for it, and a file.
type fixture struct {
	db     devstacktest.Database
	kafka  *devstack.Kafka
	prefix string // of topics
	topic  string // of the aggregate type "order"
	slot   string
	file   string
}

func newFixture(t *testing.T, change sections) *fixture {
	t.Helper()
	return newFixtureOn(t, stack.Kafka(t), nil, change)
}

// newFixtureOn is newFixture on a Kafka of the test's own, with settings of the topic.
func newFixtureOn(t *testing.T, k *devstack.Kafka, settings map[string]string, change sections) *fixture {
	t.Helper()
	return newFixtureIn(t, stack.Database(t), k, settings, change)
}

// newFixtureIn is newFixtureOn in a database on a server of the test's own.
func newFixtureIn(t *testing.T, db devstacktest.Database, k *devstack.Kafka, settings map[string]string, change sections) *fixture {
	t.Helper()
	f := &fixture{db: db, kafka: k, prefix: stack.Name(t)}
	f.db.Exec(t, relaytest.OutboxDDL)
	f.topic, f.slot = f.prefix+".order", "walpost_"+f.db.Name
	if err := k.CreateTopic(t.Context(), f.topic, 4, 1, settings); err != nil {
		t.Fatal(err)
	}
	f.file = f.write(t, change)
	return f
}

// write makes a file: the usual sections with changes, "" leaves one out.
func (f *fixture) write(t *testing.T, change sections) string {
	t.Helper()
	all := sections{
		"name": f.db.Name, "postgres": "{url: 'URL'}", "kafka": "{brokers: [BROKERS]}", "admin": "{listen: '127.0.0.1:0'}",
		"outbox": "{topic: 'PREFIX.{aggregatetype}', position_header: walpost-position}",
	}
	maps.Copy(all, change)
	var yaml strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] != "" {
			fmt.Fprintf(&yaml, "%s: %s\n", name, all[name])
		}
	}
	text := strings.NewReplacer("URL", devstacktest.WithCanary(t, f.db.URL), "BROKERS",
		strings.Join(f.kafka.Bootstrap(devstack.Plaintext), ", "), "PREFIX", f.prefix).Replace(yaml.String())
	file := filepath.Join(t.TempDir(), "walpost.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// nowhere is a Kafka that does not answer.
const nowhere = "{brokers: ['127.0.0.1:1']}"

// slots counts the fixture's slot: 0 or 1.
func (f *fixture) slots(t *testing.T) int {
	t.Helper()
	return devstacktest.Value[int](t, f.db.Conn, "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '"+f.slot+"'")
}

// released waits until nobody reads the slot, and gives what it is confirmed up
// to: from then on the server cannot know more. 0 when there is no slot.
func (f *fixture) released(t *testing.T) lsn {
	t.Helper()
	devstacktest.Await(t, "the slot to be free", devstacktest.Released(t, f.db.Conn, f.slot))
	return lsn(devstacktest.Value[int64](t, f.db.Conn,
		"SELECT coalesce(max(confirmed_flush_lsn - '0/0'), 0)::bigint FROM pg_replication_slots WHERE slot_name = '"+f.slot+"'"))
}

// confirmed waits until the slot is confirmed up to all that was written so far.
func (f *fixture) confirmed(t *testing.T, p *process) {
	t.Helper()
	p.Until(t, "the slot to be confirmed", devstacktest.Confirmed(t, f.db.Conn, f.slot))
}

// compare judges the topic's records against the table: that all are there and
// none else, in order, each with the key and the number of its row.
func (f *fixture) compare(t *testing.T) *oracle.Report {
	t.Helper()
	committed, err := oracle.Committed(t.Context(), f.db.Conn, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]oracle.Event{}
	for _, e := range committed {
		rows[e.ID] = e
	}
	var events []oracle.Event
	for _, r := range f.records(t) {
		if row, ok := rows[r.ID]; ok && row != r.Event {
			t.Errorf("the record is %+v, its row %+v", r.Event, row)
		}
		events = append(events, r.Event)
	}
	report := oracle.Compare(committed, events)
	if !report.Kept() {
		t.Errorf("%v", report)
	}
	return report
}
