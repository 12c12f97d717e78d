package jsontext

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzObject compares the members with those that encoding/json reads: it takes the same
// objects, but for halves of surrogate pairs, and a value is as long as it says.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, ` {"a" : "b\u00e9\n" , "c":[1,{"d":null}]} `, `{"a":tru}`, `{"a":1e5,"b":-0.5}`, `{"a":01}`, `[1]`, `null`,
		`{"a":[1,]}`, `{"a":"\ud83d\ude00"}`, `{"a":{"b":"\x"}}`, `{"a":]}`, `{"a":[}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !bytes.Equal(bytes.ToValidUTF8(data, nil), data) {
			return
		}
		IsNull(data)
		s := New(data, nil)
		got := map[string]string{}
		kinds := map[string]Kind{}
		s.Object(func(s *Scanner, name []byte) {
			value, kind := s.Value()
			got[string(name)], kinds[string(name)] = string(value), kind
		})
		var want map[string]json.RawMessage
		err := json.Unmarshal(data, &want)
		if (s.Fault() == "") != (err == nil && want != nil) {
			if strings.Contains(s.Fault(), "surrogate") || strings.Contains(s.Fault(), "too deep") {
				return
			}
			t.Fatalf("%q: fault %q, encoding/json %v", data, s.Fault(), err)
		}
		if s.Fault() != "" {
			return
		}
		for name, raw := range want {
			text := string(raw)
			switch kinds[name] {
			case String:
				if err := json.Unmarshal(raw, &text); err != nil {
					t.Fatal(err)
				}
			case Null:
				text = ""
			case Scalar, Nested:
			}
			if got[name] != text {
				t.Fatalf("%q: %q is %q, want %q", data, name, got[name], text)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %d members, want %d", data, len(got), len(want))
		}
	})
}
