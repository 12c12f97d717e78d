package connect

import "testing"

func TestPlain(t *testing.T) {
	for written, want := range map[string]struct{ payload, plain string }{
		`{"schema":{"type":"string","optional":false},"payload":"a\"\uD83D\uDE00"}`: {`"a\"\uD83D\uDE00"`, `a"😀`},
		`{"schema":{"type":"int32","optional":false},"payload":42}`:                 {"42", "42"},
		`{"schema":{"type":"string","optional":true},"payload":null}`:               {"null", ""},
		`"42"`: {`"42"`, "42"}, "42": {"42", "42"}, "null": {"null", ""}, "text": {"text", "text"}, `"text`: {`"text`, `"text`},
		`{"schema":1}`: {`{"schema":1}`, `{"schema":1}`}, `{"schema":{},"payload":`: {`{"schema":{},"payload":`, `{"schema":{},"payload":`},
	} {
		if got := string(Payload([]byte(written))); got != want.payload {
			t.Errorf("%s: the payload is %s, want %s", written, got, want.payload)
		}
		got := Plain([]byte(written))
		if string(got) != want.plain || (got == nil) != (want.payload == "null") {
			t.Errorf("%s is %q, want %q", written, got, want.plain)
		}
	}
	if Plain(nil) != nil || Payload(nil) != nil {
		t.Error("nothing is something")
	}
}
