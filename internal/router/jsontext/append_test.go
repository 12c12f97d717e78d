package jsontext

import (
	"encoding/json"
	"testing"
)

func TestAppendString(t *testing.T) {
	for text, want := range map[string]string{
		"": `""`, "é😀 </>&\u2028": "\"é😀 </>&\u2028\"", "a\"b\\c": `"a\"b\\c"`,
		"\b\f\n\r\t\x01\x1f\x7f": "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"",
	} {
		got := AppendString(nil, []byte(text))
		var back string
		if err := json.Unmarshal(got, &back); string(got) != want || err != nil || back != text {
			t.Errorf("%q is %s, want %s: %v", text, got, want, err)
		}
	}
}
