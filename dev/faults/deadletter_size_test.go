package faults_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/dlt"
	"github.com/walpost/walpost/internal/record"
)

// insertLarge inserts a row of which one column has 1.4 MB that lz4 does not shrink.
const insertLarge = `INSERT INTO outbox SELECT '%s', 'order', %s, %s, %s FROM (SELECT string_agg(md5(i::text), '') AS large FROM ` +
	`generate_series(1, 44000) i) x`

// A dead letter is larger than its record, and with default topics there is no room for
// it: it goes without its value, and where that is not enough without a long key and
// with short headers. It says so, and what is behind it is delivered.
func TestRow114_DeadLetterLargerThanItsTopic(t *testing.T) {
	t.Parallel()
	h := newHarness(t, rejects("dead_letter"))
	dead := h.Config.Delivery.DeadLetter.String()
	if err := h.Kafka.CreateTopic(t.Context(), dead, 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	h.Start(t)
	id := func(n int) string { return fmt.Sprintf("00000000-0000-0000-0000-%012d", n) }
	h.Exec(t, "BEGIN", inserts(1, 100),
		fmt.Sprintf(insertLarge, id(1), "'k'", "'LargeValue'", "to_jsonb(large)"),
		fmt.Sprintf(insertLarge, id(2), "large", "'LargeKey'", "'{}'"),
		fmt.Sprintf(insertLarge, id(3), "'k'", "large", "'{}'"),
		inserts(101, 200), "COMMIT", inserts(201, 300))
	h.Confirmed(t)
	found := h.deadLetters(t, dead, 3)
	large := devstacktest.Value[string](t, h.DB.Conn, "SELECT type FROM outbox WHERE id = $1", id(3))
	for n, want := range map[int]struct{ key, kind, lacks string }{
		1: {"k", "LargeValue", "value of 1408002 bytes"},
		2: {"", "LargeKey", "value of 2 bytes; key of 1408000 bytes"},
		3: {"k", large[:255], `value of 2 bytes; header "eventType" from 255 bytes on, of 1408000`},
	} {
		r := found[id(n)]
		if string(r.Key) != want.key || r.Value != nil || header(r, "eventType") != want.kind {
			t.Errorf("%d: key %q, %d bytes, header %.300q", n, r.Key, len(r.Value), header(r, "eventType"))
		}
		if got := header(r, dlt.HeaderIncomplete); got != want.lacks {
			t.Errorf("%d lacks %q, want %q", n, got, want.lacks)
		}
		if header(r, dlt.HeaderReason) != record.ReasonTooLarge || header(r, dlt.HeaderTopic) != h.Topic ||
			len(header(r, dlt.HeaderPosition)) != 25 ||
			!strings.Contains(header(r, dlt.HeaderError), "kafka.max_message_bytes") {
			t.Errorf("%d: headers %v", n, r.Headers[2:])
		}
	}
	h.Exec(t, fmt.Sprintf("DELETE FROM outbox WHERE id IN ('%s', '%s', '%s')", id(1), id(2), id(3)))
	h.exactlyOnce(t)
	h.Stop(t)
}
