package connect

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	t.Parallel()
	for payload, want := range map[string]string{ // "": it stays a text
		`{"a": [{"x": 1}, {"y": "b"}]}`:      `{"a":[{"x":1,"y":null},{"x":null,"y":"b"}]}`,
		`{"a":1,"a":2}`:                      `{"a":2}`,
		`{"a": -0, "b": 1e10, "c": -0.0}`:    `{"a":0,"b":1.0E10,"c":-0.0}`,
		`{"a":"\u00e9\/\ud83d\ude00\u001f"}`: `{"a":"é/\uD83D\uDE00\u001F"}`,
		`{"a":[null,2]}`:                     `{"a":[null,2]}`,
		`{"a":[{"c":[]},{"c":[{"n":1}]}]}`:   `{"a":[{"c":[]},{"c":[{"n":1}]}]}`,
		`{"a":[1,"x"]}`:                      ``,
		`{"a":[1,2.5]}`:                      ``,
		`{"a":[null]}`:                       ``,
		`{"a":[{"x":1},{"x":"b"}]}`:          ``,
		`{"a":9223372036854775808}`:          ``,
		`{"a":"\ud83d"}`:                     ``,
		`[1]`:                                ``,
		`{"a":1} x`:                          ``,
		`{"a":1e999}`:                        ``,
		`{"a":01}`:                           ``,
	} {
		e := NewExpander("payload", false, false)
		if e.Expand([]byte(payload)) != (want != "") {
			t.Errorf("%s: want %q", payload, want)
			continue
		}
		if want == "" {
			continue
		}
		if got := string(e.AppendValue(nil)); got != want {
			t.Errorf("%s became %s, want %s", payload, got, want)
		}
	}
}

// Objects of an array that are not alike have a schema that is not optional, as Debezium makes it of several.
func TestSchemaOfObjectsInAnArray(t *testing.T) {
	t.Parallel()
	const required = `"optional":false`
	for payload, mixed := range map[string]bool{
		`{"a":[{"x":1},{"x":2}]}`:                         false,
		`{"a":[{"x":1},{"x":2,"n":null,"e":[]}]}`:         false,
		`{"a":[{"x":1,"y":1},{"x":2}]}`:                   true,
		`{"a":[{"x":1,"y":1},{"y":2,"x":2}]}`:             true,
		`{"a":[{"x":1,"y":1,"x":3},{"x":2,"y":2}]}`:       false,
		`{"a":[{"x":1},null,{"y":2}]}`:                    false,
		`{"a":[{"x":[{"y":1}]},{"x":[{"y":2},{"y":3}]}]}`: false,
		`{"a":{"x":1},"b":[1,2]}`:                         false,
	} {
		e := NewExpander("payload", false, false)
		if !e.Expand([]byte(payload)) {
			t.Fatal(payload)
		}
		for range 2 { // and again the same
			if got := string(e.AppendSchema(nil, "")); strings.Contains(got, required) != mixed {
				t.Errorf("%s: %s", payload, got)
			}
		}
	}
	e := NewExpander("payload", true, true)
	if !e.Expand([]byte(`{"a":[{"x":1},{"x":2,"n":null}],"b":[{},{"e":[]}]}`)) {
		t.Fatal("not expanded")
	}
	if got := string(e.AppendSchema(nil, "")); strings.Count(got, required) != 2 {
		t.Error(got)
	}
}

// What is appended is JSON, whatever the payload.
func FuzzExpand(f *testing.F) {
	f.Add([]byte(`{"a":[{"x":[]},{"x":[1]},null],"b":{"c":null},"\u0061":"\\"}`), true, true)
	f.Fuzz(func(t *testing.T, payload []byte, nulls, arrays bool) {
		e := NewExpander("payload", nulls, arrays)
		if !e.Expand(payload) {
			return
		}
		if got := e.AppendValue(nil); !json.Valid(payload) || !json.Valid(got) {
			t.Errorf("%q became %q", payload, got)
		}
		if got := e.AppendSchema(nil, ""); !json.Valid(got) {
			t.Errorf("schema of %q: %q", payload, got)
		}
	})
}
