package router

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/debezium"
	"github.com/walpost/walpost/internal/topicname"
)

// Columns are found by name in the Relation message of the row, so a table that
// changes between two rows is read right before and after, in whatever order
// its columns are.
func TestColumnsByNamePerRelation(t *testing.T) {
	r := newRouter(t, defaultMapping())
	before := outbox()
	after := &pgoutput.Relation{ID: before.ID, Namespace: "public", Name: "outbox", Columns: []pgoutput.Column{
		{Name: "new", TypeOID: debezium.OIDText, TypeMod: -1},
		{Name: "payload", TypeOID: debezium.OIDText, TypeMod: -1},
		{Name: "type", TypeOID: debezium.OIDBool, TypeMod: -1},
		{Name: "id", TypeOID: debezium.OIDInt8, TypeMod: -1},
		{Name: "aggregateid", TypeOID: debezium.OIDText, TypeMod: -1},
		{Name: "aggregatetype", TypeOID: debezium.OIDText, TypeMod: -1},
	}}
	moved := &pgoutput.Insert{
		Relation: after, Row: pgoutput.Tuple{text("x"), text("{}"), text("t"), text("7"), text("43"), text("Customer")},
	}
	for range 2 {
		rec, err := r.Route(insert(before), commitTime(), record.Position{})
		if err != nil || rec.Topic != "outbox.event.Order" || string(rec.Headers[1].Value) != "OrderCreated" {
			t.Fatalf("%+v, %v", rec, err)
		}
		rec, err = r.Route(moved, commitTime(), record.Position{})
		if err != nil || rec.Topic != "outbox.event.Customer" || string(rec.Key) != "43" || string(rec.Value) != "{}" ||
			string(rec.Headers[0].Value) != "7" || string(rec.Headers[1].Value) != "true" {
			t.Fatalf("%+v, %v", rec, err)
		}
	}
	if len(r.plans) != 1 {
		t.Errorf("%d plans kept for one table", len(r.plans))
	}
}

func TestTableThatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Mapping)
		column string
		key    string
	}{
		{"topic", func(m *Mapping) { m.Topic[1].Column = "nope" }, "nope", "outbox.topic"},
		{"id", func(m *Mapping) { m.ID = "nope" }, "nope", "outbox.id"},
		{"key", func(m *Mapping) { m.Key = "nope" }, "nope", "outbox.key"},
		{"value", func(m *Mapping) { m.Value = "Payload" }, "Payload", "outbox.value"},
		{"header", func(m *Mapping) { m.Headers[0].Column = "nope" }, "nope", "outbox.headers.eventType"},
		{"no timestamp", func(m *Mapping) { m.Timestamp = "nope" }, "nope", "outbox.timestamp"},
		{"timestamp of text", func(m *Mapping) { m.Timestamp = "type" }, "type", "outbox.timestamp"},
		{"partition of text", func(m *Mapping) { m.Partition = "payload" }, "payload", "outbox.partition"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := defaultMapping()
			c.change(&m)
			r := newRouter(t, m)
			rec, err := r.Route(insert(outbox()), commitTime(), record.Position{})
			var schema *SchemaError
			if rec != nil || !errors.As(err, &schema) {
				t.Fatalf("%v, %v, want a SchemaError", rec, err)
			}
			if schema.Relation != "public.outbox" || schema.Column != c.column || schema.Key != c.key {
				t.Errorf("%+v", schema)
			}
			for _, word := range []string{"public.outbox", c.column, c.key} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not name %q", err, word)
				}
			}
			findings := r.Check(outbox(), nil)
			if len(findings) != 1 || !findings[0].Failed || findings[0].Column != c.column || findings[0].Key != c.key {
				t.Errorf("Check says %+v", findings)
			}
		})
	}
}

func TestCheckNamesEveryProblem(t *testing.T) {
	m := defaultMapping()
	m.ID, m.Key, m.Partition = "a", "b", "type"
	if got := newRouter(t, m).Check(outbox(), nil); len(got) != 3 {
		t.Errorf("%+v", got)
	}
	if got := newRouter(t, defaultMapping()).Check(outbox(), nil); len(got) != 0 {
		t.Errorf("the default table: %+v", got)
	}
}

func TestCheckWarnsOfRareTypes(t *testing.T) {
	types := map[uint32]debezium.TypeInfo{
		16400: {Name: "mood", Kind: 'e'},
		16401: {Name: "_mood", Kind: 'b'},
		16402: {Name: "hstore", Kind: 'b'},
		16403: {Name: "positive", Kind: 'd'},
		16404: {Name: "citext", Kind: 'b'},
	}
	for _, c := range []struct {
		name string
		col  pgoutput.Column
		want string // part of the warning; "" for none
	}{
		{"enum", pgoutput.Column{TypeOID: 16400}, ""},
		{"citext", pgoutput.Column{TypeOID: 16404}, ""},
		{"enum[]", pgoutput.Column{TypeOID: 16401}, "mood[]"},
		{"hstore", pgoutput.Column{TypeOID: 16402}, "hstore"},
		{"domain", pgoutput.Column{TypeOID: 16403}, "domain positive"},
		{"unknown", pgoutput.Column{TypeOID: 17000}, "17000"},
		{"polygon", pgoutput.Column{TypeOID: debezium.OIDPolygon}, "polygon"},
		{"circle[]", pgoutput.Column{TypeOID: 719}, "circle[]"},
		{"point", pgoutput.Column{TypeOID: debezium.OIDPoint}, ""},
		{"numeric(20,7)", pgoutput.Column{TypeOID: debezium.OIDNumeric, TypeMod: 20<<16 + 7 + 4}, "7 decimals"},
		{"numeric(20,6)", pgoutput.Column{TypeOID: debezium.OIDNumeric, TypeMod: 20<<16 + 6 + 4}, ""},
		{"numeric(3,-2)", pgoutput.Column{TypeOID: debezium.OIDNumeric, TypeMod: 3<<16 + 0x7fe + 4}, ""},
		{"numeric", pgoutput.Column{TypeOID: debezium.OIDNumeric, TypeMod: -1}, ""},
		{"interval", pgoutput.Column{TypeOID: debezium.OIDInterval, TypeMod: -1}, ""},
	} {
		m := defaultMapping()
		m.Headers = []HeaderColumn{{Name: "h", Column: "h"}}
		c.col.Name = "h"
		got := newRouter(t, m).Check(outbox(c.col), types)
		switch {
		case c.want == "" && len(got) != 0:
			t.Errorf("%s: %+v, want nothing", c.name, got)
		case c.want != "" && (len(got) != 1 || got[0].Failed || !strings.Contains(got[0].Text, c.want) || got[0].Key != "outbox.headers.h"):
			t.Errorf("%s: %+v, want a warning with %q", c.name, got, c.want)
		}
	}
}

// A payload of JSON that becomes a string in JSON is a trap where no schema says so.
func TestCheckWarnsOfJSONInJSON(t *testing.T) {
	for _, c := range []struct {
		format Format
		oid    uint32
		want   int
	}{
		{Format{Value: EncodingJSON}, debezium.OIDJSONB, 1},
		{Format{Value: EncodingJSON, Envelope: []EnvelopeColumn{{Name: "type", Column: "type"}}}, debezium.OIDJSON, 1},
		{Format{Value: EncodingJSON, ExpandJSON: true}, debezium.OIDJSONB, 0},
		{Format{Value: EncodingJSON}, debezium.OIDText, 0},
		{Format{Value: EncodingJSONSchema}, debezium.OIDJSONB, 0},
		{Format{Key: EncodingJSON, Headers: EncodingJSON}, debezium.OIDJSONB, 0},
	} {
		m := defaultMapping()
		m.Format = c.format
		rel := outbox()
		rel.Columns[4].TypeOID = c.oid
		got := newRouter(t, m).Check(rel, nil)
		if len(got) != c.want || c.want == 1 && (got[0].Failed || !strings.Contains(got[0].Key, "expand_json")) {
			t.Errorf("%+v, type %d: %+v", c.format, c.oid, got)
		}
	}
}

// A value the stream should not send stops the relay; it is never skipped.
func TestLaw4_ValueThatCannotBeReadStops(t *testing.T) {
	flagged := func(v pgoutput.Value) *pgoutput.Insert {
		return insert(outbox(pgoutput.Column{Name: "flag", TypeOID: debezium.OIDBool, TypeMod: -1}), v)
	}
	m := defaultMapping()
	m.Headers = []HeaderColumn{{Name: "flag", Column: "flag"}}
	for _, ins := range []*pgoutput.Insert{
		flagged(text("secret-text")),
		flagged(pgoutput.Value{Kind: pgoutput.Binary, Data: []byte("secret-text")}),
		flagged(pgoutput.Value{Kind: pgoutput.Unchanged}),
	} {
		rec, err := newRouter(t, m).Route(ins, commitTime(), record.Position{})
		var value *ValueError
		if rec != nil || !errors.As(err, &value) || value.Column != "flag" || value.Key != "outbox.headers.flag" {
			t.Errorf("%v, %v", rec, err)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q holds the value", err)
		}
	}
	short := insert(outbox())
	short.Row = short.Row[:3]
	if rec, err := newRouter(t, m).Route(short, commitTime(), record.Position{}); rec != nil || err == nil {
		t.Errorf("a short row gave %v, %v", rec, err)
	}
}

func TestMappingsRefused(t *testing.T) {
	for name, change := range map[string]func(*Mapping){
		"no topic":      func(m *Mapping) { m.Topic = nil },
		"empty part":    func(m *Mapping) { m.Topic = topicname.Template{{}} },
		"double part":   func(m *Mapping) { m.Topic = topicname.Template{{Literal: "a", Column: "b"}} },
		"no id":         func(m *Mapping) { m.ID = "" },
		"no value":      func(m *Mapping) { m.Value = "" },
		"nameless":      func(m *Mapping) { m.Headers = []HeaderColumn{{Name: "", Column: "a"}} },
		"negative size": func(m *Mapping) { m.MaxBytes = -1 },
	} {
		m := defaultMapping()
		change(&m)
		if _, err := New(m); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// Columns that may be missing are left out of records, and no other column may be missing.
func TestMissingColumnsAreIgnored(t *testing.T) {
	m := defaultMapping()
	m.IgnoreMissing, m.Partition = true, "part"
	m.Headers = []HeaderColumn{
		{Name: "region", Column: "region"},
		{Name: "eventType", Column: "type"},
		{Name: "*", JSON: true, Column: "h"},
		{Name: "by", Constant: "shop"},
	}
	m.Format.Value, m.Format.Envelope = EncodingJSON, []EnvelopeColumn{{Column: "version", Name: "v"}, {Column: "type", Name: "kind"}}
	rec, err := newRouter(t, m).Route(insert(outbox()), commitTime(), record.Position{})
	if err != nil || string(rec.Value) != `{"payload":"{\"n\": 1}","kind":"OrderCreated"}` {
		t.Fatalf("%s, %v", rec.Value, err)
	}
	sameHeaders(t, rec, [2]any{"id", anID}, [2]any{"eventType", "OrderCreated"}, [2]any{"by", "shop"})
	m.IgnoreMissing = false
	var missing []string
	for _, f := range newRouter(t, m).Check(outbox(), nil) {
		if f.Failed {
			missing = append(missing, f.Column)
		}
	}
	if slices.Sort(missing); !slices.Equal(missing, []string{"h", "part", "region", "version"}) {
		t.Errorf("missing %q", missing)
	}
	m.IgnoreMissing, m.Key = true, "nope"
	if found := newRouter(t, m).Check(outbox(), nil); len(found) != 2 || found[0].Column != "nope" || found[1].Failed {
		t.Errorf("%+v", found)
	}
}
