//go:build faults

package handover_test

import (
	"maps"
	"regexp"
	"testing"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/config/configtest"
)

// ddl makes the table of Debezium's documentation, with a column more.
const ddl = `CREATE TABLE outbox (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregatetype varchar(255) NOT NULL,
	aggregateid varchar(255) NOT NULL, type varchar(255) NOT NULL, payload jsonb, version int)`

// shadow stands before the names of the relay that publishes the same rows beside, and of its topics.
const shadow = "shadow_"

// types are the aggregate types of events; sentinel is that of the last one.
const sentinel = "end"

func types() []string { return []string{"order", "payment", sentinel} }

// outbox is a database with an outbox, the connector that publishes it, and the configurations of walpost that take its
// place.
type outbox struct {
	format

	name      string // of the connector, and before the names of its topics
	db        devstacktest.Database
	kafka     sarama.Client
	connector map[string]string

	slot, publication string
	file, shadowFile  string // configurations of walpost
}

// newOutbox makes the table and the topics. Slot and publication are the connector's to make.
func newOutbox(t *testing.T, f format) *outbox {
	t.Helper()
	name := stack.Name(t) + "_" + f.name
	o := &outbox{format: f, name: name, slot: name, publication: name + "_pub", db: stack.Database(t)}
	o.db.Exec(t, ddl)
	k := stack.Kafka(t)
	for _, of := range []string{name, shadow + name} {
		for _, aggregate := range types() {
			if err := k.CreateTopic(t.Context(), of+"."+aggregate, 4, 1, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	client, err := k.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	o.kafka = client
	o.connect(t)
	o.configure(t)
	return o
}

// connect makes the configuration of the connector. All that is not named has its default. Without trust_slot its task fails
// when it comes back to a slot whose restart_lsn has passed its own offset.
func (o *outbox) connect(t *testing.T) {
	t.Helper()
	set, err := devstack.DebeziumConnector(o.db.URL, o.db.Name)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(set, map[string]string{
		"name": o.name, "topic.prefix": o.name, "slot.name": o.slot, "publication.name": o.publication,
		"publication.autocreate.mode": "filtered", "table.include.list": "public.outbox", "offset.mismatch.strategy": "trust_slot",
		"transforms": "outbox", "transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter",
		"transforms.outbox.route.topic.replacement":           o.name + ".${routedByValue}",
		"transforms.outbox.table.fields.additional.placement": "type:header:eventType,version:header" + o.placement,
	})
	maps.Copy(set, o.format.connector)
	o.connector = set
}

// configure writes the configurations of walpost.
func (o *outbox) configure(t *testing.T) {
	t.Helper()
	prefix := configtest.Keys{}
	if o.placement != "" {
		prefix["outbox.format.topic_prefix"] = o.name
	}
	same := configtest.Keys{
		"name": o.name, "postgres.url": o.db.URL, "postgres.slot": o.slot, "postgres.publication": o.publication,
		"outbox.table": "public.outbox", "outbox.topic": o.name + ".{aggregatetype}",
		"outbox.headers.eventType": "type", "outbox.headers.version": "version",
		"kafka.brokers": stack.Kafka(t).Bootstrap(devstack.Plaintext), "admin.listen": "127.0.0.1:0",
	}.With(o.format.walpost).With(prefix)
	o.file = same.File(t)
	o.shadowFile = same.With(configtest.Keys{
		"name": shadow + o.name, "postgres.slot": shadow + o.slot, "outbox.topic": shadow + o.name + ".{aggregatetype}",
	}).File(t)
}

// relay runs walpost, and returns when it streams.
func (o *outbox) relay(t *testing.T, file string) *clitest.Walpost {
	t.Helper()
	w := clitest.Start(t, "run", "-c", file)
	w.Writes(t, `"msg":"streaming"`)
	return w
}

// command runs a command of walpost, which must succeed.
func (o *outbox) command(t *testing.T, args ...string) {
	t.Helper()
	clitest.Start(t, args...).Exits(t, 0)
}

// released waits until nobody reads the slot.
func (o *outbox) released(t *testing.T) {
	t.Helper()
	devstacktest.Await(t, "the slot to be free", devstacktest.Released(t, o.db.Conn, o.slot))
}

// movesOn waits until Postgres has let go of the WAL before a place, as it does at every second checkpoint or so.
func (o *outbox) movesOn(t *testing.T, place string) {
	t.Helper()
	devstacktest.Await(t, "the slot to move on", func() bool {
		o.db.Exec(t, "CHECKPOINT")
		return devstacktest.Value[bool](t, o.db.Conn, `SELECT restart_lsn > $1::text::pg_lsn
			FROM pg_replication_slots WHERE slot_name = $2`, place, o.slot)
	})
}

// passes waits until so many more records are in the topics.
func (o *outbox) passes(t *testing.T, records int64) {
	t.Helper()
	want := o.ends(t, types()...) + records
	devstacktest.Await(t, "records to pass", func() bool { return o.ends(t, types()...) >= want })
}

// ends is how many records the topics of these aggregate types have.
func (o *outbox) ends(t *testing.T, aggregates ...string) (sum int64) {
	t.Helper()
	devstacktest.Await(t, "the ends of the topics", func() bool {
		var err error
		if sum, err = o.askEnds(aggregates); err != nil { // such as a leader that has just been elected
			_ = o.kafka.RefreshMetadata()
		}
		return err == nil
	})
	return sum
}

func (o *outbox) askEnds(aggregates []string) (sum int64, err error) {
	for _, aggregate := range aggregates {
		topic := o.name + "." + aggregate
		partitions, err := o.kafka.Partitions(topic)
		if err != nil {
			return 0, err
		}
		for _, p := range partitions {
			end, err := o.kafka.GetOffset(topic, p, sarama.OffsetNewest)
			if err != nil {
				return 0, err
			}
			sum += end
		}
	}
	return sum, nil
}

var uuid = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// ahead returns the ids of the events that the slot would send to whoever comes next.
func (o *outbox) ahead(t *testing.T) map[string]bool {
	t.Helper()
	rows, err := o.db.Conn.Query(t.Context(), `SELECT data FROM pg_logical_slot_peek_binary_changes($1, NULL::pg_lsn, NULL::int,
		'proto_version', '1', 'publication_names', $2)`, o.slot, o.publication)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, m := range messages {
		if m[0] == 'I' { // Insert
			ids[string(uuid.Find(m))] = true
		}
	}
	return ids
}
