package outbox_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/libraries/outboxtest"
	"github.com/walpost/walpost/pkg/outbox"
)

// A payload that Write lets through is one that Postgres takes, and the other way round;
// and its size is that of the text which the relay will read.
func TestJSONAsPostgresTakesIt(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	overhead := size(t, "{}") - len("{}")
	for _, text := range []string{
		`{}`, `null`, `"a"`, `1.50`, ` [1 , 2,{"a" :[ ]} ] `, `{"a":"b,c:d"}`, `"\\u0000"`, `"\u0001"`, `"\\\u0041"`, `"\ud83d\ude00"`,
		`"\uD83D\uDE00x"`, `["\"",":"]`,
		`"\u0000"`, `"a\\\u0000"`, `"\ud83d"`, `"\ude00"`, `"\ud83dx"`, `"\ud83d\n"`, `"\ud83d\ud83d"`, `"\ud83d\u0041"`,
		``, `{`, `{"a"}`, `nul`, `01`, `"` + "\n" + `"`, `'a'`, `[1,]`,
	} {
		var printed string
		refused := s.Conn.QueryRow(t.Context(), "SELECT $1::text::jsonb::text", text).Scan(&printed) != nil
		err := write(t, outbox.Config{}, text)
		if refused != (err != nil) {
			t.Errorf("%s: Postgres refuses %v, Write says %v", text, refused, err)
		}
		if refused || strings.Contains(text, `\`) {
			continue
		}
		if n := size(t, text) - overhead; n != len(printed) {
			t.Errorf("%s: %d bytes, Postgres prints %d: %s", text, n, len(printed), printed)
		}
	}
}

// write writes an event with a payload of JSON, and into no table.
func write(t *testing.T, config outbox.Config, payload string) error {
	t.Helper()
	o, err := outbox.New(config)
	if err != nil {
		t.Fatal(err)
	}
	e := outboxtest.Event(1)
	e.Payload = json.RawMessage(payload)
	return o.Write(t.Context(), discard(1), e)
}

// size is the lowest limit within which an event with a payload is.
func size(t *testing.T, payload string) int {
	t.Helper()
	n := 1
	for errors.Is(write(t, outbox.Config{MaxBytes: n}, payload), outbox.ErrTooLarge) {
		n++
	}
	return n
}
