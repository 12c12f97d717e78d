package connect

import (
	"encoding/json"
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
