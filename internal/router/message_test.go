package router

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/debezium"
	"github.com/walpost/walpost/internal/router/message"
)

// messageMapping names a column for every use.
func messageMapping() Mapping {
	m := defaultMapping()
	m.Timestamp, m.Partition, m.PositionHeader = "at", "shard", "position"
	m.Headers = append(m.Headers,
		HeaderColumn{Name: "at", Column: "at"},
		HeaderColumn{Name: "raw", Column: "raw"},
		HeaderColumn{Name: "key", Column: m.Key},
	)
	return m
}

// shown is a record in words, since its slices do not outlive the next.
func shown(rec *record.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q %q %d %d", rec.Topic, rec.Key, rec.Value, rec.Timestamp, rec.Partition)
	for _, h := range rec.Headers {
		fmt.Fprintf(&b, " %s=%q", h.Name, h.Value)
		if h.Value == nil {
			b.WriteString("(null)")
		}
	}
	return b.String()
}

func TestRouteMessage(t *testing.T) {
	t.Parallel()
	const rest = ` at=""(null) raw=""(null) key=%s position="0000000000000007/00000002"`
	commit := fmt.Sprint(commitTime().UnixMilli())
	r := newRouter(t, messageMapping())
	for _, tc := range []struct{ content, want string }{
		{
			`{"id":"1","aggregatetype":"Order","aggregateid":"42","type":"Placed","payload":"{\"total\": 12.50}","unknown":"x"}`,
			`outbox.event.Order "42" "{\"total\": 12.50}" ` + commit + ` -1 id="1" eventType="Placed"` + fmt.Sprintf(rest, `"42"`),
		},
		{ // numbers and booleans are their text; what is missing or null is NULL; white space as JSON has it
			" {\n\t\"aggregatetype\" : \"Order\" , \"aggregateid\" : -1.50e+3, \"type\":true, \"id\":null, \"payload\":\"\"}\r ",
			`outbox.event.Order "-1.50e+3" "" ` + commit + ` -1 id=""(null) eventType="true"` + fmt.Sprintf(rest, `"-1.50e+3"`),
		},
		{ // bytes are bytes in key and value, base64 in a header; timestamp and partition are read
			`{"aggregatetype":"Order","aggregateid":{"hex":"00FF"},"payload":{ "hex" : "" },` +
				`"raw":{"hex":"00ff"},"at":"2026-01-01T00:00:00.123Z","shard":3}`,
			`outbox.event.Order "\x00\xff" "" 1767225600123 3 id=""(null) eventType=""(null) at="2026-01-01T00:00:00.123000Z" ` +
				`raw="AP8=" key="AP8=" position="0000000000000007/00000002"`,
		},
		{ // the same columns as text again
			`{"aggregatetype":"Order","aggregateid":"\u00fc\ud83d\ude00\n\"\\\/\b\f\r\t","shard":"2","at":"2026-01-01 01:00:00+01"}`,
			`outbox.event.Order "ü😀\n\"\\/\b\f\r\t" "" 1767225600000 2 id=""(null) eventType=""(null) at="2026-01-01T00:00:00.000000Z" ` +
				`raw=""(null) key="ü😀\n\"\\/\b\f\r\t" position="0000000000000007/00000002"`,
		},
	} {
		rec, err := r.RouteMessage([]byte(tc.content), commitTime(), record.Position{CommitLSN: 7, Ordinal: 2})
		if err != nil {
			t.Errorf("%s: %v", tc.content, err)
			continue
		}
		if got := shown(rec); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.content, got, tc.want)
		}
	}
}

// Content that is no event is a rejection with the content for a dead letter, and
// the next message is not touched by it.
func TestRouteMessageRejects(t *testing.T) {
	t.Parallel()
	r := newRouter(t, messageMapping())
	for content, want := range map[string]string{
		"":                                           "not a JSON object",
		"secret":                                     "not a JSON object",
		`["secret"]`:                                 "not a JSON object",
		`{"payload":"secret"`:                        "want a comma or the end",
		`{"payload":"secret`:                         "without its end",
		`{"payload":"secret\`:                        "without its end",
		`{"payload":"secret\u12`:                     "cut off",
		`{"payload":"secret\u12g4"}`:                 "four hexadecimal",
		`{"payload":"secret\x"}`:                     "escape that JSON does not have",
		`{"payload":"secret\ud800"}`:                 "surrogate",
		`{"payload":"secret\ud800\ud800"}`:           "surrogate",
		"{\"payload\":\"secret\n\"}":                 "control character",
		"{\"payload\":\"secret\xff\"}":               "not UTF-8",
		`{"payload":{"secret":1}}`:                   "payload of JSON as a string",
		`{"payload":["secret"]}`:                     "want a string",
		`{"payload":{"hex":"0"}}`:                    "even number",
		`{"payload":{"hex":"0g"}}`:                   "hexadecimal",
		`{"payload":{"hex":"00","secret":""}}`:       "payload of JSON as a string",
		`{"payload":"a","payload":"secret"}`:         "there twice",
		`{"payload":"secret",}`:                      "want a name",
		`{"payload":"secret"} x`:                     "something follows",
		`{"payload" "secret"}`:                       "colon",
		`{payload:"secret"}`:                         "want a name",
		`{"payload":01}`:                             "want a string",
		`{"payload":1.}`:                             "want a string",
		`{"payload":TRUE}`:                           "want a string",
		`{"aggregatetype":"a","shard":"secret"}`:     "column shard",
		`{"aggregatetype":"a","shard":{"hex":"00"}}`: "column shard",
		`{"aggregatetype":"a","at":"secret"}`:        "column at",
	} {
		rec, err := r.RouteMessage([]byte(content), commitTime(), record.Position{CommitLSN: 7, Ordinal: 2})
		rejection, ok := errors.AsType[*record.Rejection](err)
		if !ok || rejection.Reason != record.ReasonMessage || !strings.Contains(rejection.Text, want) ||
			strings.Contains(rejection.Text, "secret") {
			t.Errorf("%s: %v, want %q", content, err, want)
			continue
		}
		if string(rec.Value) != content || rec.Key != nil || rec.Topic != "" || rec.Headers[0].Value != nil ||
			len(rec.Headers[len(rec.Headers)-1].Value) == 0 {
			t.Errorf("%s: %s", content, shown(rec))
		}
		if rec, err := r.RouteMessage([]byte(`{"aggregatetype":"a"}`), commitTime(), record.Position{}); err != nil || rec.Value != nil ||
			rec.Topic != "outbox.event.a" {
			t.Errorf("after %s: %s, %v", content, shown(rec), err)
		}
	}
}

// A message without a topic is rejected as a row is.
func TestRouteMessageWithoutATopic(t *testing.T) {
	t.Parallel()
	r := newRouter(t, messageMapping())
	_, err := r.RouteMessage([]byte(`{"id":"7","payload":"x"}`), commitTime(), record.Position{})
	if rejection, ok := errors.AsType[*record.Rejection](err); !ok || rejection.Reason != record.ReasonTopicName || rejection.ID != "7" {
		t.Errorf("%v", err)
	}
}

func TestRouteMessageAllocatesNothing(t *testing.T) {
	r := newRouter(t, defaultMapping())
	content := []byte(`{"id" : "1", "aggregatetype" : "Order", "aggregateid" : "42", "type" : "Placed", "payload" : "{\"total\": 12.50}"}`)
	at, pos := commitTime(), record.Position{CommitLSN: 7, Ordinal: 2}
	if n := testing.AllocsPerRun(100, func() { _, _ = r.RouteMessage(content, at, pos) }); n != 0 {
		t.Errorf("%v allocations for a message", n)
	}
}

// FuzzRouteMessage: no content makes the router panic, and it reads what
// encoding/json reads, with the same texts.
func FuzzRouteMessage(f *testing.F) {
	for _, seed := range []string{
		`{"aggregatetype":"Order","payload":"{\"a\": \"\u00fc\ud83d\ude00\"}","shard":3,"at":"2026-01-01T00:00:00Z"}`,
		`{"payload":{"hex":"00ff"}, "type" : null}`, `{"payload":-0.5e-7}`,
		`{"payload":true}`, `{"payload":"\ud800"}`, `{`, `{}`, `{"a":{"b":[1]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		m := message.NewReader(messageColumns(&Mapping{ID: "id", Key: "type", Value: "payload"}))
		ins, fault := m.Insert(content)
		var fields map[string]json.RawMessage
		err := json.Unmarshal(content, &fields)
		if fault != "" {
			return // stricter than encoding/json: no structure, no half characters, no repeated column
		}
		if err != nil {
			t.Fatalf("%q is taken, and encoding/json says %v", content, err)
		}
		for i, c := range ins.Relation.Columns {
			raw, there := fields[c.Name]
			v := ins.Row[i]
			var text string
			switch {
			case !there || string(raw) == "null":
				if v.Data != nil {
					t.Fatalf("%q: %s is %q", content, c.Name, v.Data)
				}
			case c.TypeOID == debezium.OIDBytea:
				var bytes map[string]string
				if err := json.Unmarshal(raw, &bytes); err != nil || `\x`+bytes["hex"] != string(v.Data) {
					t.Fatalf("%q: %s is %q (%v)", content, c.Name, v.Data, err)
				}
			case json.Unmarshal(raw, &text) == nil:
				if text != string(v.Data) {
					t.Fatalf("%q: %s is %q, want %q", content, c.Name, v.Data, text)
				}
			case !bytes.Equal(raw, v.Data):
				t.Fatalf("%q: %s is %q, want %q", content, c.Name, v.Data, raw)
			}
		}
	})
}

// Law 5 for messages: the payload comes out as it went into the string.
func TestLaw5_PayloadOfAMessageIsNotParsed(t *testing.T) {
	t.Parallel()
	r := newRouter(t, defaultMapping())
	for _, payload := range []string{`{"a":1,  "a":2,`, "not json", "\x00\x01\u2028<&>", ` {"b":1e400} `} {
		content, err := json.Marshal(map[string]string{"aggregatetype": "a", "payload": payload})
		if err != nil {
			t.Fatal(err)
		}
		rec, err := r.RouteMessage(content, commitTime(), record.Position{})
		if err != nil || !reflect.DeepEqual(rec.Value, []byte(payload)) {
			t.Errorf("%q came out as %q, %v", payload, rec.Value, err)
		}
	}
}
