package router

import (
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/debezium"
)

func eventMapping() Mapping {
	m := defaultMapping()
	m.CloudEvents = &CloudEvents{Source: "/walpost/orders"}
	return m
}

func TestCloudEventOfTheDefaultTable(t *testing.T) {
	m := eventMapping()
	m.PositionHeader = "at"
	r := newRouter(t, m)
	for range 2 { // memory is reused
		rec, err := r.Route(insert(outbox()), commitTime(), record.Position{CommitLSN: 1, Ordinal: 2})
		if err != nil || string(rec.Value) != `{"n": 1}` {
			t.Fatalf("%q, %v", rec.Value, err)
		}
		sameHeaders(t, rec, [2]any{"id", anID}, [2]any{"eventType", "OrderCreated"}, [2]any{"at", "0000000000000001/00000002"},
			[2]any{"ce_specversion", "1.0"}, [2]any{"ce_id", anID}, [2]any{"ce_type", "OrderCreated"},
			[2]any{"ce_source", "/walpost/orders"}, [2]any{"ce_time", "2026-01-01T00:00:00.123Z"}, [2]any{"ce_subject", "42"},
			[2]any{"content-type", "application/json"})
	}
}

// The headers of the file and of a JSON column win; attributes without a value are not there.
func TestCloudEventOfOtherHeaders(t *testing.T) {
	m := eventMapping()
	m.Timestamp, m.Value = "at", "body"
	m.Headers = []HeaderColumn{
		{Name: "ce_type", Column: "type"},
		{Name: "ce_source", Constant: "/shop"},
		{Name: "ce_subject", Column: "s"},
		{Name: "*", JSON: true, Column: "h"},
		{Name: "content-type", Constant: "text/plain"},
	}
	rel := outbox(
		pgoutput.Column{Name: "s", TypeOID: debezium.OIDText, TypeMod: -1},
		pgoutput.Column{Name: "h", TypeOID: debezium.OIDJSON, TypeMod: -1},
		pgoutput.Column{Name: "at", TypeOID: debezium.OIDTimestamptz, TypeMod: -1},
		pgoutput.Column{Name: "body", TypeOID: debezium.OIDBytea, TypeMod: -1},
	)
	r := newRouter(t, m)
	at, body := text("2026-02-03 04:05:06.789123+00"), text(`\x00`)
	members := text(`{"ce_id":"no","ce_time":"no","ce_specversion":"no","ce_tenant":"a","ce_empty":"","z":null}`)
	rec, err := r.Route(insert(rel, text("item 7"), members, at, body), commitTime(), record.Position{})
	if err != nil {
		t.Fatal(err)
	}
	want := [][2]any{{"id", anID}, {"ce_type", "OrderCreated"}, {"ce_source", "/shop"}}
	behind := [][2]any{
		{"ce_tenant", "a"},
		{"z", nil},
		{"content-type", "text/plain"},
		{"ce_specversion", "1.0"},
		{"ce_id", anID},
		{"ce_time", "2026-02-03T04:05:06.789Z"},
	}
	sameHeaders(t, rec, append(append(want, [2]any{"ce_subject", "item 7"}), behind...)...)
	m.Headers = m.Headers[:4]
	m.Key = "body"
	rec, err = newRouter(t, m).Route(insert(rel, null(), null(), at, body), commitTime(), record.Position{})
	if err != nil {
		t.Fatal(err)
	}
	sameHeaders(t, rec, append(want, behind[3:]...)...)
}

// The subject is the text of a key of any format.
func TestCloudEventOfFormats(t *testing.T) {
	m := eventMapping()
	m.Format.Key, m.Format.Value = EncodingJSONSchema, EncodingJSON
	rec, err := newRouter(t, m).Route(insert(outbox()), commitTime(), record.Position{})
	key := `{"schema":{"type":"string","optional":true},"payload":"42"}`
	if err != nil || string(rec.Key) != key || string(rec.Value) != `"{\"n\": 1}"` {
		t.Fatalf("%q, %q, %v", rec.Key, rec.Value, err)
	}
	if got := headerValue(rec.Headers, ceSubject); string(got) != "42" {
		t.Errorf("subject %q", got)
	}
	if got := headerValue(rec.Headers, contentType); string(got) != "application/json" {
		t.Errorf("content type %q", got)
	}
}

// The type of the content is known of JSON, whether the column has it or the format makes it.
func TestCloudEventOfContentTypes(t *testing.T) {
	for _, c := range []struct {
		oid    uint32
		format Encoding
		own    pgoutput.Value
		want   string
	}{
		{debezium.OIDJSON, EncodingText, null(), "application/json"},
		{debezium.OIDJSONB, EncodingText, text(""), "application/json"},
		{debezium.OIDText, EncodingText, null(), ""},
		{debezium.OIDText, EncodingJSON, null(), "application/json"},
		{debezium.OIDText, EncodingJSONSchema, null(), "application/json"},
		{debezium.OIDJSONB, EncodingText, text("text/plain"), "text/plain"},
	} {
		m := eventMapping()
		m.Value, m.Format.Value = "body", c.format
		m.Headers = append(m.Headers, HeaderColumn{Name: "content-type", Column: "own"})
		rel := outbox(
			pgoutput.Column{Name: "body", TypeOID: c.oid, TypeMod: -1},
			pgoutput.Column{Name: "own", TypeOID: debezium.OIDText, TypeMod: -1},
		)
		rec, err := newRouter(t, m).Route(insert(rel, text("{}"), c.own), commitTime(), record.Position{})
		if got := headerValue(rec.Headers, contentType); err != nil || string(got) != c.want {
			t.Errorf("%+v: content type %q, %v", c, got, err)
		}
	}
}

// An empty key is no subject, and the time is of UTC wherever the relay runs.
func TestCloudEventOfAnEmptyKey(t *testing.T) {
	zone := time.Local
	t.Cleanup(func() { time.Local = zone })
	time.Local = time.FixedZone("east", 2*60*60)
	rec, err := newRouter(t, eventMapping()).Route(with(insert(outbox()), 2, text("")), commitTime(), record.Position{})
	if err != nil {
		t.Fatal(err)
	}
	sameHeaders(t, rec, [2]any{"id", anID}, [2]any{"eventType", "OrderCreated"}, [2]any{"ce_specversion", "1.0"}, [2]any{"ce_id", anID},
		[2]any{"ce_type", "OrderCreated"}, [2]any{"ce_source", "/walpost/orders"}, [2]any{"ce_time", "2026-01-01T00:00:00.123Z"},
		[2]any{"content-type", "application/json"})
}

// A column of a required attribute that is NULL or empty is not replaced by what walpost would write without it.
func TestCloudEventWithoutItsOwnAttributeIsRejected(t *testing.T) {
	for _, name := range []string{ceType, ceSource} {
		for _, value := range []pgoutput.Value{null(), text("")} {
			m := eventMapping()
			m.Headers = append(m.Headers, HeaderColumn{Name: name, Column: "own"})
			rel := outbox(pgoutput.Column{Name: "own", TypeOID: debezium.OIDText, TypeMod: -1})
			_, why := rejected(t, m, insert(rel, value))
			if why.Reason != record.ReasonCloudEvent || !strings.Contains(why.Text, name) {
				t.Errorf("%s: %+v", name, why)
			}
		}
	}
}

func TestWhatIsNoCloudEventIsRejected(t *testing.T) {
	for _, c := range []struct {
		column int
		value  pgoutput.Value
	}{{0, null()}, {3, null()}, {3, text("")}} {
		rec, why := rejected(t, eventMapping(), with(insert(outbox()), c.column, c.value))
		if why.Reason != record.ReasonCloudEvent || why.Topic != "outbox.event.Order" || string(rec.Key) != "42" {
			t.Errorf("%+v: %+v", c, why)
		}
	}
}
