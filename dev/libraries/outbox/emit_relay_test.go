package outbox_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/libraries/outboxtest"
	"github.com/walpost/walpost/pkg/outbox"
)

// everyType is a configuration with a header of each type that Emit takes.
func everyType(payload string) outbox.Config {
	c := outbox.Config{
		Columns: outbox.Columns{SchemaVersion: "version"},
		Types:   map[string]string{"payload": payload, "shard": "integer"},
		Headers: []outbox.HeaderColumn{{Header: "shard", Column: "shard"}},
	}
	for _, kind := range []string{"text", "varchar(20)", "uuid", "json", "jsonb", "bytea", "boolean", "smallint", "bigint", "timestamptz"} {
		name := kind + "!"
		c.Headers = append(c.Headers, outbox.HeaderColumn{Header: name, Column: name})
		c.Types[name] = kind
	}
	return c
}

// everyEvent has values, odd values and NULLs.
func everyEvent(kind string, ids func() string) []outbox.Event {
	const json = `{"b":1,  "a":"\u00fc\\ <&>", "b":2.50}`
	full := outbox.Event{
		ID: ids(), AggregateType: kind, AggregateID: nasty, Type: "Full", Payload: []byte(json), SchemaVersion: 7,
		Headers: []outbox.Header{
			{Name: "shard", Value: "2"},
			{Name: "text!", Value: nasty},
			{Name: "varchar(20)!", Value: ""},
			{Name: "uuid!", Value: "01890A5D-AC96-774B-BCCE-B302099A8057"},
			{Name: "json!", Value: json},
			{Name: "jsonb!", Value: json},
			{Name: "bytea!", Value: `\x00ff5c`},
			{Name: "boolean!", Value: "yes"},
			{Name: "smallint!", Value: "-7"},
			{Name: "bigint!", Value: "0009"},
			{Name: "timestamptz!", Value: "2026-01-31 23:59:59.120 +02"},
		},
	}
	null := outbox.Event{ID: ids(), AggregateType: kind, AggregateID: "1", Type: "Null"}
	other := full
	other.ID, other.AggregateID, other.Payload = ids(), "2", []byte("null")
	other.Headers = []outbox.Header{
		{Name: "boolean!", Value: "f"},
		{Name: "timestamptz!", Value: "infinity"},
		{Name: "bytea!", Value: ""},
		{Name: "bigint!", Value: "-9223372036854775808"},
	}
	return []outbox.Event{full, null, other}
}

// An event that was emitted gives the record that the table gives, on the oldest
// major in wide use and on the newest: one transaction writes both, and two relays
// publish them.
func TestEmitGivesTheRecordOfTheTable(t *testing.T) {
	t.Parallel()
	for _, major := range []int{15, 18} {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: major})
			payloads := map[int][]string{15: {"jsonb", "bytea"}, 18: {"jsonb", "json", "text", "bytea"}}
			for _, payload := range payloads[major] {
				t.Run(payload, func(t *testing.T) {
					t.Parallel()
					if err := server.Exec(t.Context(), "postgres", "CREATE DATABASE "+payload); err != nil {
						t.Fatal(err)
					}
					conn, err := server.Connect(t.Context(), payload)
					if err != nil {
						t.Fatal(err)
					}
					defer conn.Close(t.Context())
					db := devstacktest.Database{Name: payload, URL: server.URL(payload), Conn: conn, Server: server}
					db.RevokeMessages(t)
					db.Exec(t, "SET datestyle = 'SQL, DMY'", "SET timezone = 'Asia/Kolkata'", "SET bytea_output = 'escape'")
					sameRecords(t, &store{outboxtest.New(t, db, everyType(payload))})
				})
			}
		})
	}
}

func sameRecords(t *testing.T, s *store) {
	t.Helper()
	headers := map[string]string{"eventType": "type", "version": "version", "shard": "shard", "varchar": "varchar(20)!"}
	for _, name := range []string{
		"text", "uuid", "json", "jsonb", "bytea", "boolean", "smallint", "bigint", "timestamptz",
	} {
		headers[name] = name + "!"
	}
	topics := map[string]string{}
	for _, source := range []string{"table", "message"} {
		topics[source] = stack.Name(t) + "." + source
		if err := stack.Kafka(t).CreateTopic(t.Context(), topics[source], 3, -1, nil); err != nil {
			t.Fatal(err)
		}
		s.relay(t, keys{
			"name": source + "_" + s.Name, "delivery.on_reject": "dead_letter", "outbox.source": source, "outbox.topic": topics[source],
			"outbox.partition": "shard", "outbox.timestamp": "timestamptz!", "outbox.headers": headers,
		})
	}
	all := everyEvent("order", s.Events.NewID)
	err := pgx.BeginFunc(t.Context(), s.Conn, func(tx pgx.Tx) error {
		open := outbox.TxFromPgx(tx)
		return errors.Join(s.Events.Write(t.Context(), open, all...), s.Events.Emit(t.Context(), open, all...))
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", ".DLT"} { // the infinite timestamp
		n := map[string]int{"": 2, ".DLT": 1}[suffix]
		fromTable, fromMessages := byID(records(t, topics["table"]+suffix, n)), byID(records(t, topics["message"]+suffix, n))
		for id, want := range fromTable {
			if got := fromMessages[id]; got != want {
				t.Errorf("event %s:\n message %s\n   table %s", id, got, want)
			}
		}
		if len(fromTable) != n || len(fromMessages) != n {
			t.Errorf("%d records from the table, %d from messages", len(fromTable), len(fromMessages))
		}
	}
}

// byID is everything of records that may not differ, in words.
func byID(all []*sarama.ConsumerMessage) map[string]string {
	shown := map[string]string{}
	for _, r := range all {
		var text string
		for _, h := range r.Headers {
			if name := string(h.Key); name != "walpost-dlt-topic" && name != "walpost-dlt-position" && name != "walpost-dlt-time" {
				text += fmt.Sprintf(" %s=%q/%v", name, h.Value, h.Value == nil)
			}
		}
		shown[string(r.Headers[0].Value)] = fmt.Sprintf("%d %s %q/%v %q/%v%s",
			r.Partition, r.Timestamp, r.Key, r.Key == nil, r.Value, r.Value == nil, text)
	}
	return shown
}
