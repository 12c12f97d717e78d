package snippets_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
)

const othersPage = "docs/other-outboxes.md"

// otherOutbox is a table as a product creates it, and rows as it writes them, each statement in a transaction.
type otherOutbox struct {
	file   string // of the page
	name   string // of the variant; "": the only one
	keys   string // of the outbox, besides those of the file
	ddl    string
	rows   []string
	topics []string
	want   []string // topic, key, value, and headers but the id
	time   string   // of all records; "": that of the commit
}

const (
	otherID     = "4d47e190-0402-4048-bc2c-89dd54343cdc"
	otherParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	otherTime   = "2026-01-31T12:00:00.123Z"
)

// Every file of the page publishes what its product writes into the table that the product creates.
func TestFilesForOtherOutboxes(t *testing.T) {
	t.Parallel()
	for _, o := range []otherOutbox{
		quarkus(), pgTransactional(), eventuate("TEXT"), eventuate("JSON"), eventuateDatabaseIDs(), modulith(), massTransit(),
	} {
		t.Run(o.file+o.name, func(t *testing.T) {
			t.Parallel()
			o.relayed(t)
		})
	}
}

// relayed starts the file of the page, writes the rows, and compares the records.
func (o *otherOutbox) relayed(t *testing.T) {
	t.Helper()
	db, kafka := stack.Database(t), stack.Kafka(t)
	db.Exec(t, o.ddl)
	_, text, _ := strings.Cut(snippet(t, othersPage, o.file), "\n") // the name is that of the slot, which another run may have
	text = strings.ReplaceAll(text, "${DATABASE_URL}", fmt.Sprintf("%q", db.URL))
	text = strings.ReplaceAll(text, "${KAFKA_BROKERS}", kafka.Bootstrap(devstack.Plaintext)[0])
	text = strings.Replace(text, "\noutbox:\n", "\noutbox:\n"+o.keys, 1)
	name := stack.Name(t)
	file := write(t, t.TempDir(), o.file, "name: "+name+"\n"+text+"admin: {listen: \"127.0.0.1:0\"}\n")
	before := map[string]string{}
	o.records(t, kafka, before)
	clitest.Start(t, "run", "-c", file).Ready(t)
	db.Exec(t, o.rows...)
	devstacktest.Await(t, "the rows to be confirmed", devstacktest.Confirmed(t, db.Conn, "walpost_"+name))
	after := map[string]string{}
	o.records(t, kafka, after)
	maps.DeleteFunc(after, func(place, _ string) bool { return before[place] != "" })
	got := slices.Collect(maps.Values(after))
	slices.Sort(got)
	if want := slices.Sorted(slices.Values(o.want)); !slices.Equal(got, want) {
		t.Errorf("records\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if out, err := clitest.Command(t, "check", "-c", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// records notes what the topics have, as want has it, by its place: another run has left some.
func (o *otherOutbox) records(t *testing.T, kafka *devstack.Kafka, all map[string]string) {
	t.Helper()
	for _, topic := range o.topics {
		found, err := kafka.Records(t.Context(), topic)
		if err != nil {
			continue // it is not created yet
		}
		for _, r := range found {
			if at := r.Timestamp.UTC().Format("2006-01-02T15:04:05.000Z"); o.time != "" && at != o.time {
				t.Errorf("time %s, want %s", at, o.time)
			}
			if header(r, "id") == "" {
				t.Errorf("%s has no id", r.Value)
			}
			all[fmt.Sprintf("%s/%d/%d", topic, r.Partition, r.Offset)] = otherRecord(r)
		}
	}
}

func otherRecord(r *sarama.ConsumerMessage) string {
	line := fmt.Sprintf("%s %s %s", r.Topic, r.Key, r.Value)
	for _, h := range r.Headers[1:] {
		line += fmt.Sprintf(" %s=%s", h.Key, h.Value)
	}
	return line
}

// quarkus deletes each row in its transaction.
func quarkus() otherOutbox {
	return otherOutbox{
		file: "quarkus.yaml",
		ddl: `CREATE TABLE OutboxEvent (id uuid NOT NULL, aggregatetype varchar(255) NOT NULL, aggregateid varchar(255) NOT NULL,
			type varchar(255) NOT NULL, timestamp timestamp(6) NOT NULL, payload varchar(8000),
			tracingspancontext varchar(256), PRIMARY KEY (id))`,
		rows: []string{`BEGIN; INSERT INTO OutboxEvent VALUES ('` + otherID + `', 'Quarkus', '1', 'OrderCreated', '2026-01-31 12:00:00.123',
			'{"id":1}', E'#Sat Jan 31 12:00:00 UTC 2026\ntraceparent=` + otherParent + `\n'); DELETE FROM OutboxEvent; COMMIT`},
		topics: []string{"outbox.event.Quarkus"},
		want:   []string{`outbox.event.Quarkus 1 {"id":1} traceparent=` + otherParent + ` eventType=OrderCreated`},
		time:   otherTime,
	}
}

func pgTransactional() otherOutbox {
	return otherOutbox{
		file: "pgtransactional.yaml",
		ddl: `CREATE TABLE public.outbox (id uuid PRIMARY KEY, aggregate_type TEXT NOT NULL, aggregate_id TEXT NOT NULL,
			message_type TEXT NOT NULL, segment TEXT, concurrency TEXT NOT NULL DEFAULT 'sequential', payload JSONB NOT NULL,
			metadata JSONB, locked_until TIMESTAMPTZ NOT NULL DEFAULT to_timestamp(0),
			created_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
			processed_at TIMESTAMPTZ, abandoned_at TIMESTAMPTZ, started_attempts smallint NOT NULL DEFAULT 0,
			finished_attempts smallint NOT NULL DEFAULT 0);
			ALTER TABLE public.outbox ADD CONSTRAINT outbox_concurrency_check CHECK (concurrency IN ('sequential', 'parallel'))`,
		rows: []string{
			`INSERT INTO outbox (id, aggregate_type, aggregate_id, message_type, segment, payload, metadata, created_at)
				VALUES ('` + otherID + `', 'movie', '7', 'movie_created', NULL, '{"id": 7}', '{"routingKey": "m", "more": {"a": 1}}',
					'` + otherTime + `')
				ON CONFLICT (id) DO NOTHING`,
			`INSERT INTO outbox (id, aggregate_type, aggregate_id, message_type, segment, payload, metadata, created_at)
				VALUES (gen_random_uuid(), 'movie', '8', 'movie_created', 's', '{"id": 8}', NULL, '` + otherTime + `')
				ON CONFLICT (id) DO NOTHING`,
			`UPDATE outbox SET processed_at = now(), finished_attempts = 1`,
		},
		topics: []string{"pg.movie"},
		want: []string{
			`pg.movie 7 {"id": 7} eventType=movie_created more={"a": 1} routingKey=m`, `pg.movie 8 {"id": 8} eventType=movie_created`,
		},
		time: otherTime,
	}
}

// eventuate has headers and payload of a type.
func eventuate(kind string) otherOutbox {
	const id, headers = "0000018d5f1e0001-0242ac1200060000", `{"PARTITION_ID":"5","DATE":"Sat, 31 Jan 2026 12:00:00 GMT","ID":"x"}`
	topic := "com.shop.Order" + kind
	return otherOutbox{
		file: "eventuate.yaml", name: " " + kind,
		ddl: `CREATE SCHEMA eventuate; CREATE TABLE eventuate.message (id VARCHAR(1000) PRIMARY KEY, destination TEXT NOT NULL,
			headers ` + kind + ` NOT NULL, payload ` + kind + ` NOT NULL, published SMALLINT DEFAULT 0, message_partition SMALLINT,
			creation_time BIGINT)`,
		rows: []string{
			`INSERT INTO eventuate.message (id, destination, headers, payload, creation_time)
				VALUES ('` + id + `', '` + topic + `', '` + headers + `', '{"total":1}', 1769860800123)`,
			`UPDATE eventuate.message SET published = 1`,
		},
		topics: []string{topic},
		want:   []string{topic + ` 5 {"total":1} PARTITION_ID=5 DATE=Sat, 31 Jan 2026 12:00:00 GMT ID=x`},
	}
}

func eventuateDatabaseIDs() otherOutbox {
	return otherOutbox{
		file: "eventuate.yaml", name: " database ids", keys: "  id: dbid\n",
		ddl: `CREATE SCHEMA eventuate; CREATE SEQUENCE eventuate.ids; CREATE TABLE eventuate.message (id VARCHAR(1000),
			dbid BIGINT NOT NULL DEFAULT nextval('eventuate.ids') PRIMARY KEY, destination TEXT NOT NULL,
			headers TEXT NOT NULL, payload TEXT NOT NULL, published SMALLINT DEFAULT 0, creation_time BIGINT)`,
		rows: []string{`INSERT INTO eventuate.message (destination, headers, payload, creation_time)
			VALUES ('com.shop.Stock', '{"PARTITION_ID":"5"}', '{"total":1}', 1769860800123)`},
		topics: []string{"com.shop.Stock"},
		want:   []string{`com.shop.Stock 5 {"total":1} PARTITION_ID=5`},
	}
}

// modulith writes a row for each listener, and completes it later.
func modulith() otherOutbox {
	insert := func(listener, event, json string) string {
		return `INSERT INTO event_publication (id, event_type, listener_id, publication_date, serialized_event)
			VALUES (gen_random_uuid(), '` + event + `', '` + listener + `', '` + otherTime + `', '` + json + `')`
	}
	const support, method = "org.springframework.modulith.events.support.", ".externalize(java.lang.Object)"
	const externalizer, since21 = support + "DelegatingEventExternalizer" + method, support + "EventExternalizerModuleListener" + method
	const own = "com.shop.inventory.Inventory.on(com.shop.order.OrderPlaced)"
	return otherOutbox{
		file: "modulith.yaml",
		ddl: `CREATE TABLE event_publication (id UUID NOT NULL, listener_id TEXT NOT NULL, event_type TEXT NOT NULL,
			serialized_event TEXT NOT NULL, publication_date TIMESTAMP WITH TIME ZONE NOT NULL, completion_date TIMESTAMP WITH TIME ZONE,
			status TEXT, completion_attempts INT, last_resubmission_date TIMESTAMP WITH TIME ZONE, PRIMARY KEY (id))`,
		rows: []string{
			"BEGIN; " + insert(own, "com.shop.order.OrderPlaced", `{"orderId":"1"}`) + "; " +
				insert(externalizer, "com.shop.order.OrderPlaced", `{"orderId":"1"}`) + "; COMMIT",
			insert(externalizer, "com.shop.order.OrderEvents$Paid", `{"orderId":2}`),
			insert(own, "com.shop.order.OrderEvents$Paid", `{"orderId":2}`),
			insert(since21, "com.shop.order.OrderEvents$Paid", `{"total":3}`),
			"UPDATE event_publication SET completion_date = now(), status = 'COMPLETED' WHERE listener_id = '" + own + "'",
		},
		topics: []string{"modulith.OrderPlaced", "modulith.Paid"},
		want: []string{
			`modulith.OrderPlaced 1 {"orderId":"1"} __TypeId__=com.shop.order.OrderPlaced`,
			`modulith.Paid 2 {"orderId":2} __TypeId__=com.shop.order.OrderEvents$Paid`,
			`modulith.Paid  {"total":3} __TypeId__=com.shop.order.OrderEvents$Paid`,
		},
		time: otherTime,
	}
}

func massTransit() otherOutbox {
	const body = `{"messageId":"1","message":{"orderId":1}}`
	return otherOutbox{
		file: "masstransit.yaml",
		ddl: `CREATE TABLE "OutboxMessage" ("SequenceNumber" bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
			"EnqueueTime" timestamptz, "SentTime" timestamptz NOT NULL, "Headers" text, "Properties" text, "InboxMessageId" uuid,
			"InboxConsumerId" uuid, "OutboxId" uuid, "MessageId" uuid NOT NULL, "ContentType" varchar(256) NOT NULL,
			"MessageType" text NOT NULL, "Body" text NOT NULL, "ConversationId" uuid, "CorrelationId" uuid, "InitiatorId" uuid,
			"RequestId" uuid, "SourceAddress" varchar(256), "DestinationAddress" varchar(256),
			"ResponseAddress" varchar(256), "FaultAddress" varchar(256), "ExpirationTime" timestamptz)`,
		rows: []string{`INSERT INTO "OutboxMessage" ("OutboxId", "SentTime", "Headers", "MessageId", "ContentType", "MessageType", "Body",
				"CorrelationId")
			VALUES (gen_random_uuid(), now(), '{"MT-Activity-Id":"` + otherParent + `"}', gen_random_uuid(),
				'application/vnd.masstransit+json', 'urn:message:Shop.Contracts:OrderPlaced;urn:message:Shop.Contracts:IOrder',
				'` + body + `', '` + otherID + `'),
			(gen_random_uuid(), now(), NULL, gen_random_uuid(), 'application/json', 'urn:message:Shop.Contracts:OrderPlaced', '{}', NULL)`},
		topics: []string{"Shop.Contracts.OrderPlaced"},
		want: []string{
			`Shop.Contracts.OrderPlaced ` + otherID + ` ` + body + ` content-type=application/vnd.masstransit+json` +
				` MT-Activity-Id=` + otherParent,
			`Shop.Contracts.OrderPlaced  {} content-type=application/json`,
		},
	}
}
