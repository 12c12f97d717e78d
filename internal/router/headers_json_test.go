package router

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/debezium"
)

// jsonHeaders is a mapping with members between two other headers, and its table.
func jsonHeaders() (Mapping, *pgoutput.Relation) {
	m := defaultMapping()
	m.Headers = []HeaderColumn{
		{Name: "eventType", Column: "type"}, {Name: "*", JSON: true, Column: "h"}, {Name: "region", Constant: "eu"},
	}
	m.PositionHeader = "at"
	return m, outbox(pgoutput.Column{Name: "h", TypeOID: debezium.OIDJSON, TypeMod: -1})
}

func TestMembersBecomeHeaders(t *testing.T) {
	m, rel := jsonHeaders()
	r := newRouter(t, m)
	for _, c := range []struct {
		object string
		want   [][2]any
	}{
		{`{"b": "x", "a": "y"}`, [][2]any{{"b", "x"}, {"a", "y"}}},
		{`{}`, nil},
		{` null `, nil},
		{
			`{"n": 1.50, "t":true,"f":false,"z":null,"s":"","o":{"a" : [1, {"b":"\u00e9"}]},"l":[ ]}`,
			[][2]any{
				{"n", "1.50"}, {"t", "true"}, {"f", "false"}, {"z", nil}, {"s", ""}, {"o", `{"a" : [1, {"b":"\u00e9"}]}`}, {"l", "[ ]"},
			},
		},
		{`{"\u00e9\"":"\ud83d\ude00\n","a":"b"}`, [][2]any{{"é\"", "😀\n"}, {"a", "b"}}},
		{`{"a":"1","a":"2"}`, [][2]any{{"a", "1"}, {"a", "2"}}},
		{`{"id":"x","eventType":"x","region":"x","at":"x","ID":"y"}`, [][2]any{{"ID", "y"}}}, // the file wins
	} {
		rec, err := r.Route(insert(rel, text(c.object)), commitTime(), record.Position{CommitLSN: 1, Ordinal: 2})
		if err != nil {
			t.Fatalf("%s: %v", c.object, err)
		}
		want := append([][2]any{{"id", anID}, {"eventType", "OrderCreated"}}, c.want...)
		sameHeaders(t, rec, append(want, [2]any{"region", "eu"}, [2]any{"at", "0000000000000001/00000002"})...)
	}
	rec, err := r.Route(insert(rel, null()), commitTime(), record.Position{})
	if err != nil || len(rec.Headers) != 4 {
		t.Errorf("NULL: %q, %v", rec.Headers, err)
	}
}

// What is no object of headers is a rejected record, which is whole but for these headers.
func TestWhatIsNoObjectOfHeadersIsRejected(t *testing.T) {
	m, rel := jsonHeaders()
	m.PositionHeader = ""
	many := "{"
	for i := range maxMembers + 1 {
		many += fmt.Sprintf(`"a%d":1,`, i)
	}
	for object, want := range map[string]string{
		`[]`: "not a JSON object", `"x"`: "not a JSON object", `1`: "not a JSON object", ``: "not a JSON object",
		`{"a":secret}`: "want a JSON value", `{"a":"b"`: "comma or the end", `{"a":"b"} x`: "something follows",
		`{"a":"\ud83d"}`: "surrogate", `{"":"secret"}`: "member 1 is empty", `{"a":{"b":}}`: "want a JSON value",
		`{"a":1,"` + strings.Repeat("x", 256) + `":1}`:                      "member 2 is longer than 255 bytes",
		`{"walpost-dlt-topic":"x"}`:                                         "begins with walpost-dlt-",
		many[:len(many)-1] + "}":                                            "more than 1000 members",
		`{"a":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `}`: "too deep",
	} {
		rec, r := rejected(t, m, insert(rel, text(object)))
		if r.Reason != record.ReasonHeaders || r.Column != "h" || !strings.Contains(r.Text, want) || r.Topic != "outbox.event.Order" ||
			r.ID != anID || r.Lacks != "headers of column h" {
			t.Errorf("%.30s: %+v, want %q", object, r, want)
		}
		if strings.Contains(r.Text, "secret") {
			t.Errorf("%q shows the value", r.Text)
		}
		sameHeaders(t, rec, [2]any{"id", anID}, [2]any{"eventType", "OrderCreated"}, [2]any{"region", "eu"})
	}
	if rec, err := newRouter(t, m).Route(insert(rel, text(strings.Replace(many[:len(many)-1], `"a0":1,`, "", 1)+"}")), commitTime(),
		record.Position{}); err != nil || len(rec.Headers) != maxMembers+3 {
		t.Errorf("%d members: %v", maxMembers, err)
	}
}

// A column of another type halts, as each column of the mapping does.
func TestTypesOfTheColumnOfHeaders(t *testing.T) {
	m, rel := jsonHeaders()
	for oid, good := range map[uint32]bool{
		debezium.OIDJSON: true, debezium.OIDJSONB: true, debezium.OIDText: true, debezium.OIDVarchar: true,
		debezium.OIDBytea: false, debezium.OIDInt4: false, debezium.OIDUUID: false,
	} {
		rel.Columns[5].TypeOID = oid
		findings := newRouter(t, m).Check(rel, nil)
		failed := len(findings) == 1 && findings[0].Failed && findings[0].Key == "outbox.headers.*" && findings[0].Column == "h"
		if good && len(findings) != 0 || !good && !failed {
			t.Errorf("type %d: %+v", oid, findings)
		}
	}
	rel.Columns[5].TypeOID = debezium.OIDJSON
	if n := newRouter(t, m).Columns(rel)[5]; n == 0 {
		t.Error("of a long row the column is not kept")
	}
}

func TestMembersInAMessage(t *testing.T) {
	m, _ := jsonHeaders()
	r := newRouter(t, m)
	rec, err := r.RouteMessage([]byte(`{"id":"1","aggregatetype":"o","h":"{\"a\": \"b\"}"}`), commitTime(),
		record.Position{CommitLSN: 1, Ordinal: 2})
	if err != nil {
		t.Fatal(err)
	}
	sameHeaders(t, rec, [2]any{"id", "1"}, [2]any{"eventType", nil}, [2]any{"a", "b"}, [2]any{"region", "eu"},
		[2]any{"at", "0000000000000001/00000002"})
	for content, reason := range map[string]string{
		`{"id":"1","aggregatetype":"o","h":{"hex":"7b7d"}}`: record.ReasonMessage,
		`{"id":"1","aggregatetype":"o","h":"x"}`:            record.ReasonHeaders,
	} {
		_, err := r.RouteMessage([]byte(content), commitTime(), record.Position{})
		if why, ok := errors.AsType[*record.Rejection](err); !ok || why.Reason != reason {
			t.Errorf("%s: %v, want %s", content, err, reason)
		}
	}
}
