package tracecontext

import "testing"

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestRead(t *testing.T) {
	t.Parallel()
	const none = ""
	var r Reader
	for _, c := range []struct{ text, parent, state string }{
		{parent, parent, none},
		{" " + parent + "\n", parent, none},
		{"01" + parent[2:] + "-more", "01" + parent[2:] + "-more", none},
		{"#Mon Nov 30 05:53:19 UTC 2026\ntraceparent=" + parent + "\n", parent, none},
		{"#a\r\n!b\r\ntracestate=rojo\\=00f0,congo\\=t61\\u0072\r\ntraceparent : " + parent, parent, "rojo=00f0,congo=t61r"},
		{"uber-trace-id=x\n\ntraceparent\\\n  =00-0af7651916cd43dd8448eb211c80319c-\\\n   b7ad6b7169203331-01", parent, none},
		{`{"tracestate":"a=\u0031","other":{"x":1},"traceparent":"` + parent + `"}`, parent, "a=1"},
		{`{"traceparent": "` + parent + `", "tracestate": ""}`, parent, none},
		{`{"traceparent": "` + parent + `"`, none, none},
		{`{"traceparent": ["` + parent + `"]}`, none, none},
		{`{}`, none, none},
		{"", none, none},
		{"#only a comment", none, none},
		{"tracestate=a=1", none, none},
		{"\\", none, none},
		{"traceparent=\\u00", none, none},
		{parent + "-more", none, none},
		{"ff" + parent[2:], none, none},
		{parent[:len(parent)-1], none, none},
		{"00-00000000000000000000000000000000-b7ad6b7169203331-01", none, none},
		{"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", none, none},
		{"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", none, none},
		{"00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01", none, none},
	} {
		for range 2 { // its memory is used again
			got := r.Read([]byte(c.text))
			if string(got.Parent) != c.parent || string(got.State) != c.state || (got.State != nil) != (c.state != none) {
				t.Errorf("%q: %q %q, want %q %q", c.text, got.Parent, got.State, c.parent, c.state)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("#c\ntraceparent=" + parent + "\\u0041\\\n")
	f.Add(`{"traceparent":"` + parent + `"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var r Reader
		if got := r.Read([]byte(text)); got.Parent != nil && !valid(got.Parent) || got.Parent == nil && got.State != nil {
			t.Errorf("%q: %q %q", text, got.Parent, got.State)
		}
	})
}
