package router

import (
	"errors"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/debezium"
	"github.com/walpost/walpost/internal/topicname"
)

// defaultMapping is the configuration's defaults.
func defaultMapping() Mapping {
	return Mapping{
		Topic:    topicname.Template{{Literal: "outbox.event."}, {Column: "aggregatetype"}},
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
			{Name: "id", TypeOID: debezium.OIDUUID, TypeMod: -1, Key: true},
			{Name: "aggregatetype", TypeOID: debezium.OIDVarchar, TypeMod: 259},
			{Name: "aggregateid", TypeOID: debezium.OIDVarchar, TypeMod: 259},
			{Name: "type", TypeOID: debezium.OIDVarchar, TypeMod: 259},
			{Name: "payload", TypeOID: debezium.OIDJSONB, TypeMod: -1},
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
	rec, err := newRouter(t, m).Route(insert(outbox()), commitTime(), record.Position{CommitLSN: 0x16B374D848, Ordinal: 31})
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
	rec, err := r.Route(ins, commitTime(), record.Position{})
	if err != nil {
		t.Fatal(err)
	}
	if rec.Key != nil || rec.Value != nil || rec.Headers[1].Value != nil {
		t.Errorf("NULL gave %v %v %v, want nil", rec.Key, rec.Value, rec.Headers[1].Value)
	}
	ins.Row[2], ins.Row[3], ins.Row[4] = text(""), text(""), pgoutput.Value{Kind: pgoutput.Text}
	if rec, err = r.Route(ins, commitTime(), record.Position{}); err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{rec.Key, rec.Value, rec.Headers[1].Value} {
		if b == nil || len(b) != 0 {
			t.Errorf("empty text gave %v, want empty and not nil", b)
		}
	}
}

// with returns the insert with one value replaced.
func with(ins *pgoutput.Insert, column int, v pgoutput.Value) *pgoutput.Insert {
	ins.Row[column] = v
	return ins
}

// rejected routes a row that must be rejected, and checks that the record came
// with it.
func rejected(t *testing.T, m Mapping, ins *pgoutput.Insert) (*record.Record, *record.Rejection) {
	t.Helper()
	rec, err := newRouter(t, m).Route(ins, commitTime(), record.Position{})
	var rejection *record.Rejection
	if !errors.As(err, &rejection) {
		t.Fatalf("error %v, want a rejection", err)
	}
	if rec == nil || rec.Timestamp != commitTime().UnixMilli() || rec.Partition != -1 {
		t.Fatalf("record %+v, want it whole, at the commit time and by key", rec)
	}
	return rec, rejection
}

func TestTimestampColumn(t *testing.T) {
	for _, c := range []struct {
		oid    uint32
		text   string
		want   int64
		reason string
	}{
		{debezium.OIDTimestamp, "2026-01-01 00:00:00.123999", 1767225600123, ""},
		{debezium.OIDTimestamptz, "2026-01-01 02:00:00.999999+02", 1767225600999, ""},
		{debezium.OIDTimestamp, "1970-01-01 00:00:00", 0, ""},
		{debezium.OIDTimestamp, "1969-12-31 23:59:59.999001", 0, ""}, // cut toward 1970, as Debezium does
		{debezium.OIDTimestamp, "1969-12-31 23:59:59.9985", 0, record.ReasonTimestamp},
		{debezium.OIDTimestamp, "0044-03-15 00:00:00 BC", 0, record.ReasonTimestamp},
		{debezium.OIDTimestamp, "infinity", 0, record.ReasonTimestamp},
		{debezium.OIDTimestamptz, "-infinity", 0, record.ReasonTimestamp},
		{debezium.OIDTimestamptz, "294276-12-31 23:59:59.999999+00", 9224318015999999, ""},
	} {
		m := defaultMapping()
		m.Timestamp = "created_at"
		rel := outbox(pgoutput.Column{Name: "created_at", TypeOID: c.oid, TypeMod: -1})
		ins := insert(rel, text(c.text))
		if c.reason != "" {
			if _, r := rejected(t, m, ins); r.Reason != c.reason || r.Column != "created_at" || r.ID != anID ||
				r.Topic != "outbox.event.Order" {
				t.Errorf("%s: %+v", c.text, r)
			}
			continue
		}
		rec, err := newRouter(t, m).Route(ins, commitTime(), record.Position{})
		if err != nil || rec.Timestamp != c.want {
			t.Errorf("%s: %d, %v, want %d", c.text, rec.Timestamp, err, c.want)
		}
	}
	m := defaultMapping()
	m.Timestamp = "created_at"
	rel := outbox(pgoutput.Column{Name: "created_at", TypeOID: debezium.OIDTimestamp, TypeMod: 3})
	rec, err := newRouter(t, m).Route(insert(rel, null()), commitTime(), record.Position{})
	if err != nil || rec.Timestamp != 1767225600123 {
		t.Errorf("NULL: %d, %v, want the commit time", rec.Timestamp, err)
	}
}

func TestPartitionColumn(t *testing.T) {
	m := defaultMapping()
	m.Partition = "p"
	for _, c := range []struct {
		value  pgoutput.Value
		want   int32
		reason string
	}{
		{text("0"), 0, ""},
		{text("11"), 11, ""},
		{text("2147483647"), 2147483647, ""},
		{null(), -1, ""},
		{text("-1"), 0, record.ReasonPartition},
		{text("2147483648"), 0, record.ReasonPartition},
		{text("-9223372036854775808"), 0, record.ReasonPartition},
	} {
		for _, oid := range []uint32{debezium.OIDInt2, debezium.OIDInt4, debezium.OIDInt8} {
			ins := insert(outbox(pgoutput.Column{Name: "p", TypeOID: oid, TypeMod: -1}), c.value)
			if c.reason != "" {
				if _, r := rejected(t, m, ins); r.Reason != c.reason || r.Column != "p" {
					t.Errorf("%s: %+v", c.value.Data, r)
				}
				continue
			}
			rec, err := newRouter(t, m).Route(ins, commitTime(), record.Position{})
			if err != nil || rec.Partition != c.want {
				t.Errorf("%s: %v, %v, want %d", c.value.Data, rec, err, c.want)
			}
		}
	}
}

// With several things wrong the first of topic, timestamp, partition and size is
// the reason; the rest of the record is as it can be.
func TestFirstReasonWins(t *testing.T) {
	m := defaultMapping()
	m.Timestamp, m.Partition, m.MaxBytes = "at", "p", 1
	rel := outbox(
		pgoutput.Column{Name: "at", TypeOID: debezium.OIDTimestamp, TypeMod: -1},
		pgoutput.Column{Name: "p", TypeOID: debezium.OIDInt4, TypeMod: -1},
	)
	ins := insert(rel, text("infinity"), text("-1"))
	ins.Row[1] = text("")
	for _, want := range []string{record.ReasonTopicName, record.ReasonTimestamp, record.ReasonPartition, record.ReasonTooLarge} {
		rec, r := rejected(t, m, ins)
		if r.Reason != want {
			t.Errorf("reason %s, want %s", r.Reason, want)
		}
		if string(rec.Key) != "42" || string(rec.Value) != `{"n": 1}` || string(rec.Headers[1].Value) != "OrderCreated" {
			t.Errorf("record %+v is not whole", rec)
		}
		switch want {
		case record.ReasonTopicName:
			ins.Row[1] = text("Order")
		case record.ReasonTimestamp:
			ins.Row[5] = null()
		case record.ReasonPartition:
			ins.Row[6] = null()
		}
	}
}

// A router is reused: nothing of a row shows in the next.
func TestRecordsDoNotMix(t *testing.T) {
	m := defaultMapping()
	m.Key = "k"
	m.Headers = append(m.Headers, HeaderColumn{Name: "flag", Column: "flag"}, HeaderColumn{Name: "ids", Column: "ids"})
	rel := outbox(
		pgoutput.Column{Name: "k", TypeOID: debezium.OIDBytea, TypeMod: -1},
		pgoutput.Column{Name: "flag", TypeOID: debezium.OIDBool, TypeMod: -1},
		pgoutput.Column{Name: "ids", TypeOID: 1007, TypeMod: -1},
	)
	r := newRouter(t, m)
	first, err := r.Route(insert(rel, text(`\x0001ff`), text("t"), text("{1,NULL}")), commitTime(), record.Position{})
	if err != nil {
		t.Fatal(err)
	}
	// An append by a reader must not reach the neighbours.
	_ = append(first.Key, 'X')
	if string(first.Key) != "\x00\x01\xff" || string(first.Headers[2].Value) != "true" || string(first.Headers[3].Value) != "[1,null]" {
		t.Errorf("key %q, headers %q", first.Key, first.Headers)
	}
	second, err := r.Route(insert(rel, null(), null(), text("{}")), commitTime(), record.Position{})
	if err != nil {
		t.Fatal(err)
	}
	if second.Key != nil || second.Headers[2].Value != nil || string(second.Headers[3].Value) != "[]" {
		t.Errorf("key %q, headers %q", second.Key, second.Headers)
	}
}
