package router

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/debezium"
)

func TestKeyOfSeveralColumns(t *testing.T) {
	m := defaultMapping()
	m.Key, m.KeyColumns = "", []string{"tenant", "flag", "b"}
	rel := outbox(
		pgoutput.Column{Name: "tenant", TypeOID: debezium.OIDText, TypeMod: -1},
		pgoutput.Column{Name: "flag", TypeOID: debezium.OIDBool, TypeMod: -1},
		pgoutput.Column{Name: "b", TypeOID: debezium.OIDBytea, TypeMod: -1},
	)
	r := newRouter(t, m)
	for _, c := range []struct {
		row  pgoutput.Tuple
		want string
	}{
		{pgoutput.Tuple{text("t\"1\n"), text("t"), text(`\x0001ff`)}, `["t\"1\n","true","AAH/"]`},
		{pgoutput.Tuple{text(""), text("f"), null()}, `["","false",null]`},
		{pgoutput.Tuple{null(), text("f"), text(`\x`)}, `[null,"false",""]`},
	} {
		rec, err := r.Route(insert(rel, c.row...), commitTime(), record.Position{})
		if err != nil || string(rec.Key) != c.want {
			t.Errorf("key %q, %v, want %q", rec.Key, err, c.want)
		}
	}
	if rec, err := r.Route(insert(rel, null(), null(), null()), commitTime(), record.Position{}); err != nil || rec.Key != nil {
		t.Errorf("key of NULLs %q, %v", rec.Key, err)
	}
	if limits := r.Columns(rel); limits[5] == 0 || limits[6] == 0 || limits[7] == 0 || limits[2] != 0 {
		t.Errorf("of a long row is kept %v", limits)
	}
	long := pgoutput.Value{Kind: pgoutput.Discarded, Size: 1 << 30, Data: []byte("beginning")}
	if rec, why := rejected(t, m, insert(rel, text("x"), text("t"), long)); why.Reason != record.ReasonTooLarge || rec.Key != nil {
		t.Errorf("a part of a key %q, %+v", rec.Key, why)
	}
	rel.Columns = rel.Columns[:7]
	if found := r.Check(rel, nil); len(found) != 1 || found[0].Column != "b" || found[0].Key != "outbox.key" || !found[0].Failed {
		t.Errorf("%+v", found)
	}
}

func memberKey() (Mapping, *pgoutput.Relation) {
	m := defaultMapping()
	m.Key, m.KeyJSON, m.KeyMember = "", "h", "PARTITION_ID"
	return m, outbox(pgoutput.Column{Name: "h", TypeOID: debezium.OIDText, TypeMod: -1})
}

func TestKeyOfAMember(t *testing.T) {
	m, rel := memberKey()
	r := newRouter(t, m)
	for object, want := range map[string]string{
		`{"a":{"PARTITION_ID":"no"},"PARTITION_ID":"x\u00e9\"\n","z":"\t"}`: "xé\"\n",
		`{"PARTITION_ID":1.50}`: "1.50", `{"PARTITION_ID":true}`: "true", `{"PARTITION_ID":[1, "a"]}`: `[1, "a"]`,
		`{"PARTITION_ID":"1","PARTITION_ID":"2"}`: "2",
	} {
		rec, err := r.Route(insert(rel, text(object)), commitTime(), record.Position{})
		if err != nil || string(rec.Key) != want {
			t.Errorf("%s: key %q, %v, want %q", object, rec.Key, err, want)
		}
	}
	for _, none := range []pgoutput.Value{text(`{"partition_id":"x"}`), text(`{"PARTITION_ID":null}`), text("{}"), text("null"), null()} {
		if rec, err := r.Route(insert(rel, none), commitTime(), record.Position{}); err != nil || rec.Key != nil {
			t.Errorf("%s: key %q, %v", none.Data, rec.Key, err)
		}
	}
	rec, err := r.Route(insert(rel, text(`{"PARTITION_ID":""}`)), commitTime(), record.Position{})
	if err != nil || rec.Key == nil || len(rec.Key) != 0 {
		t.Errorf("an empty key is %v, %v", rec.Key, err)
	}
	if n := r.Columns(rel)[5]; n == 0 {
		t.Error("of a long row the column is not kept")
	}
	for _, object := range []string{`["secret"]`, `{"PARTITION_ID":secret}`, ""} {
		rec, why := rejected(t, m, insert(rel, text(object)))
		if why.Reason != record.ReasonKey || why.Column != "h" || why.Lacks != "key of column h" || rec.Key != nil ||
			strings.Contains(why.Text, "secret") {
			t.Errorf("%s: %+v, key %q", object, why, rec.Key)
		}
	}
	rel.Columns[5].TypeOID = debezium.OIDInt4
	if found := newRouter(t, m).Check(rel, nil); len(found) != 1 || !found[0].Failed || found[0].Key != "outbox.key" {
		t.Errorf("%+v", found)
	}
}

func TestKeysOfMessages(t *testing.T) {
	m, _ := memberKey()
	for content, want := range map[string]string{
		`{"id":"1","aggregatetype":"o","h":"{\"PARTITION_ID\": \"b\"}"}`: "b",
		`{"id":"1","aggregatetype":"o","a":"x","b":7}`:                   `["x","7"]`,
	} {
		if strings.HasPrefix(want, "[") {
			m.KeyJSON, m.KeyMember, m.KeyColumns = "", "", []string{"a", "b"}
		} else {
			m, _ = memberKey()
		}
		rec, err := newRouter(t, m).RouteMessage([]byte(content), commitTime(), record.Position{})
		if err != nil || string(rec.Key) != want {
			t.Errorf("%s: key %q, %v, want %q", content, rec.Key, err, want)
		}
	}
}

func TestOneKindOfKey(t *testing.T) {
	for _, change := range []func(*Mapping){
		func(m *Mapping) { m.KeyColumns = []string{"a"} },
		func(m *Mapping) { m.KeyJSON, m.KeyMember = "a", "b" },
		func(m *Mapping) { m.Key, m.KeyJSON = "", "a" },
		func(m *Mapping) { m.Key, m.KeyMember = "", "a" },
	} {
		m := defaultMapping()
		change(&m)
		if _, err := New(m); err == nil || !strings.Contains(err.Error(), "outbox.key") {
			t.Errorf("%+v: %v", m, err)
		}
	}
}
