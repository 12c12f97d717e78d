package router

import (
	"testing"
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
)

// defaultMapping is the configuration's defaults.
func defaultMapping() Mapping {
	return Mapping{
		Topic:    []Part{{Literal: "outbox.event."}, {Column: "aggregatetype"}},
		ID:       "id",
		Key:      "aggregateid",
		Value:    "payload",
		Headers:  []HeaderColumn{{Name: "eventType", Column: "type"}},
		MaxBytes: 1 << 20,
	}
}

// outbox is Debezium's table.
func outbox(more ...pgoutput.Column) *pgoutput.Relation {
	return &pgoutput.Relation{
		ID: 16385, Namespace: "public", Name: "outbox",
		Columns: append([]pgoutput.Column{
			{Name: "id", TypeOID: oidUUID, TypeMod: -1, Key: true},
			{Name: "aggregatetype", TypeOID: oidVarchar, TypeMod: 259},
			{Name: "aggregateid", TypeOID: oidVarchar, TypeMod: 259},
			{Name: "type", TypeOID: oidVarchar, TypeMod: 259},
			{Name: "payload", TypeOID: oidJSONB, TypeMod: -1},
		}, more...),
	}
}

func text(s string) pgoutput.Value { return pgoutput.Value{Kind: pgoutput.Text, Data: []byte(s)} }

func null() pgoutput.Value { return pgoutput.Value{Kind: pgoutput.Null} }

const anID = "406c07f3-26f0-4eea-a50c-109940064b8f"

// insert is a row of outbox; more are the values of further columns.
func insert(rel *pgoutput.Relation, more ...pgoutput.Value) *pgoutput.Insert {
	return &pgoutput.Insert{Relation: rel, Row: append(pgoutput.Tuple{
		text(anID), text("Order"), text("42"), text("OrderCreated"), text(`{"n": 1}`),
	}, more...)}
}

func commitTime() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 123_999_000, time.UTC) }

func newRouter(t testing.TB, m Mapping) *Router {
	t.Helper()
	r, err := New(m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRouteDefaultTable(t *testing.T) {
	m := defaultMapping()
	m.PositionHeader = "walpost-position"
	rec, err := newRouter(t, m).Route(insert(outbox()), commitTime(), Position{CommitLSN: 0x16B374D848, Ordinal: 31})
	if err != nil {
		t.Fatal(err)
	}
	if rec.Topic != "outbox.event.Order" || string(rec.Key) != "42" || string(rec.Value) != `{"n": 1}` {
		t.Errorf("record %q %q %q", rec.Topic, rec.Key, rec.Value)
	}
	if rec.Timestamp != 1767225600123 || rec.Partition != -1 {
		t.Errorf("timestamp %d, partition %d", rec.Timestamp, rec.Partition)
	}
	want := [][2]string{{"id", anID}, {"eventType", "OrderCreated"}, {"walpost-position", "00000016b374d848/0000001f"}}
	if len(rec.Headers) != len(want) {
		t.Fatalf("%d headers", len(rec.Headers))
	}
	for i, h := range rec.Headers {
		if h.Name != want[i][0] || string(h.Value) != want[i][1] {
			t.Errorf("header %d: %q = %q, want %q", i, h.Name, h.Value, want[i])
		}
	}
}

func TestRouteNullAndEmpty(t *testing.T) {
	rel := outbox()
	r := newRouter(t, defaultMapping())
	ins := insert(rel)
	ins.Row[2], ins.Row[3], ins.Row[4] = null(), null(), null()
	rec, err := r.Route(ins, commitTime(), Position{})
	if err != nil {
		t.Fatal(err)
	}
	if rec.Key != nil || rec.Value != nil || rec.Headers[1].Value != nil {
		t.Errorf("NULL gave %v %v %v, want nil", rec.Key, rec.Value, rec.Headers[1].Value)
	}
	ins.Row[2], ins.Row[3], ins.Row[4] = text(""), text(""), pgoutput.Value{Kind: pgoutput.Text}
	if rec, err = r.Route(ins, commitTime(), Position{}); err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{rec.Key, rec.Value, rec.Headers[1].Value} {
		if b == nil || len(b) != 0 {
			t.Errorf("empty text gave %v, want empty and not nil", b)
		}
	}
}

// The steady state allocates nothing per row.
func TestRouteAllocatesNothing(t *testing.T) {
	m := defaultMapping()
	m.PositionHeader = "walpost-position"
	r := newRouter(t, m)
	ins := insert(outbox())
	at := commitTime()
	n := testing.AllocsPerRun(1000, func() {
		if _, err := r.Route(ins, at, Position{CommitLSN: 1, Ordinal: 1}); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations per row", n)
	}
}
