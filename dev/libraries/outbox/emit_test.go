package outbox_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/libraries/outboxtest"
	"github.com/walpost/walpost/pkg/outbox"
)

// messages reads what the slot has of messages with the prefix: transactional ones
// of committed transactions, by the protocol's own form.
func (s *store) messages(t *testing.T, prefix string) []string {
	t.Helper()
	rows, err := s.Conn.Query(t.Context(), `SELECT data
		FROM pg_logical_slot_get_binary_changes($1, upto_lsn => NULL, upto_nchanges => NULL, VARIADIC options => ARRAY[
			'proto_version', '1', 'publication_names', 'p', 'messages', 'true'])
		WHERE get_byte(data, 0) = ascii('M')`, s.Name)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, data := range all {
		const head = 1 + 1 + 8 // 'M', flags, LSN
		name, content, _ := bytes.Cut(data[head:], []byte{0})
		if data[1] != 1 || string(name) != prefix {
			t.Errorf("flags %d, prefix %q", data[1], name)
		}
		texts = append(texts, string(content[4:])) // after its length
	}
	return texts
}

func TestEmit(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{
		Columns: outbox.Columns{SchemaVersion: "version", AggregateType: `the "kind"`}, Topic: `x.{the "kind"}`,
		Headers: []outbox.HeaderColumn{{Header: "tenant", Column: "tenant_id"}}, MessagePrefix: "it's",
	})
	s.Exec(t, "SELECT pg_create_logical_replication_slot('"+s.Name+"', 'pgoutput')")
	s.Exec(t, "CREATE PUBLICATION p")
	e := outbox.Event{
		ID: s.Events.NewID(), AggregateType: "order", AggregateID: nasty, Type: "Placed",
		Payload: json.RawMessage(`{"b": 1,  "a":2.50, "c":"<ü>"}`), SchemaVersion: 2,
		Headers: []outbox.Header{{Name: "tenant", Value: "<t>"}},
	}
	tombstone := outbox.Event{AggregateType: "order", AggregateID: "1", Type: "Forgotten"}
	null := outbox.Event{AggregateType: "order", AggregateID: "1", Type: "Nothing", Payload: json.RawMessage("null")}
	tx := &counted{inner: outbox.UncheckedPgx(s.Conn)}
	for _, end := range []string{"ROLLBACK", "COMMIT"} {
		s.Exec(t, "BEGIN")
		if err := s.Events.Emit(t.Context(), tx, e, tombstone, null); err != nil {
			t.Fatal(err)
		}
		s.Exec(t, end)
	}
	if len(tx.statements) != 2 {
		t.Errorf("%d statements in 2 transactions", len(tx.statements))
	}
	got := s.messages(t, "it's")
	if len(got) != 3 {
		t.Fatalf("%d messages: %q", len(got), got)
	}
	for i, want := range []map[string]any{
		{
			"id": e.ID, `the "kind"`: "order", "aggregateid": nasty, "type": "Placed", "version": "2", "tenant_id": "<t>",
			"payload": `{"a": 2.50, "b": 1, "c": "<ü>"}`,
		},
		{`the "kind"`: "order", "aggregateid": "1", "type": "Forgotten", "version": nil, "tenant_id": nil, "payload": nil},
		{`the "kind"`: "order", "aggregateid": "1", "type": "Nothing", "version": nil, "tenant_id": nil, "payload": "null"},
	} {
		var fields map[string]any
		if err := json.Unmarshal([]byte(got[i]), &fields); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			delete(fields, "id")
		}
		if !reflect.DeepEqual(fields, want) {
			t.Errorf("%d:\n got %v\nwant %v", i, fields, want)
		}
	}
}

func TestEmitKeepsThePayload(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	s.Exec(t, "SELECT pg_create_logical_replication_slot('"+s.Name+"', 'pgoutput')")
	s.Exec(t, "CREATE PUBLICATION p")
	const payload = `{"b":1,  "a":"\u00fc\\"}`
	kinds := []string{"bytea", "text", "json"}
	for _, kind := range kinds {
		o, err := outbox.New(outbox.Config{Types: map[string]string{"payload": kind}})
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Emit(t.Context(), outbox.Unchecked(s.SQL), outbox.Event{
			AggregateType: "a", AggregateID: "b", Type: "c", Payload: []byte(payload),
		}); err != nil {
			t.Fatal(err)
		}
	}
	for i, text := range s.messages(t, "outbox") {
		var m struct {
			Payload any `json:"payload"`
		}
		want := any(payload)
		if kinds[i] == "bytea" {
			want = map[string]any{"hex": hex.EncodeToString([]byte(payload))}
		}
		if err := json.Unmarshal([]byte(text), &m); err != nil || !reflect.DeepEqual(m.Payload, want) {
			t.Errorf("%s: %s: %v", kinds[i], text, err)
		}
	}
}

// The server refuses in a message what its type would be refused for in the table.
func TestEmitRefusesValues(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	header := []outbox.HeaderColumn{{Header: "h", Column: "h"}}
	o, err := outbox.New(outbox.Config{Headers: header, Types: map[string]string{"h": "bigint"}})
	if err != nil {
		t.Fatal(err)
	}
	e := outboxtest.Event(1)
	e.Headers = []outbox.Header{{Name: "h", Value: "seven"}}
	var state interface{ SQLState() string }
	if err := o.Emit(t.Context(), outbox.Unchecked(s.SQL), e); !errors.As(err, &state) || state.SQLState() != "22P02" {
		t.Errorf("%v", err)
	}
}

// The server's error comes through, for callers that look at its SQLSTATE.
func TestErrorsOfTheServer(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	e := outboxtest.Event(1)
	e.ID = s.Events.NewID()
	s.Write(t, e)
	var state interface{ SQLState() string }
	if err := s.Events.Write(t.Context(), outbox.Unchecked(s.SQL), e); !errors.As(err, &state) || state.SQLState() != "23505" {
		t.Errorf("%v", err)
	}
	s.Exec(t, "DROP TABLE outbox")
	if err := s.Events.Write(t.Context(), outbox.UncheckedPgx(s.Conn), e); !errors.As(err, &state) || state.SQLState() != "42P01" {
		t.Errorf("%v", err)
	}
}
