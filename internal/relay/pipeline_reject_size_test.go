package relay_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/walpost/walpost/internal/dlt"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// textOfSize is a text of that size, which a codec makes smaller or not.
func textOfSize(size int, compressible bool) string {
	if compressible {
		return strings.Repeat("a", size)
	}
	noise := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
	return base64.StdEncoding.EncodeToString(noise)[:size]
}

// rejectedRow is a row that is rejected for its topic.
func rejectedRow(key, value string) string {
	return fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('no/topic', '%s', 'T', '"%s"')`, key, value)
}

func headersOf(r *kgo.Record) map[string]string {
	headers := map[string]string{}
	for _, h := range r.Headers {
		headers[h.Key] = string(h.Value)
	}
	return headers
}

// A dead letter is larger than its record by its headers. One of a row just below
// max.message.bytes is written all the same: whole when compression makes it fit, else
// without what makes it large, with headers that say where the row is.
func TestDeadLetterOfRowNearTheLimit(t *testing.T) {
	t.Parallel()
	const limit = 20000
	keys := rejects("dead_letter")
	keys["kafka.compression"] = "lz4"
	h := newHarness(t, relaytest.Options{Keys: keys})
	dead := h.Config.Delivery.DeadLetter.String()
	if err := h.Kafka.CreateTopic(t.Context(), dead, 1, 1, map[string]string{"max.message.bytes": fmt.Sprint(limit)}); err != nil {
		t.Fatal(err)
	}
	h.Start(t)
	near := limit - 150 // with id, key and its own headers the record itself fits
	large := textOfSize(near, false)
	h.Exec(t, rejectedRow("noise", large), rejectedRow("same", textOfSize(near, true)), rejectedRow(large, "value"),
		rejectedRow("small", "value"), relaytest.Insert("k", 1))
	h.consume(t, h.Topic, 1)
	h.Confirmed(t)
	if n := h.Seen.DeadLetters.Load(); n != 4 {
		t.Errorf("%d dead letters counted", n)
	}
	for i, want := range []struct {
		key, value string
		lacks      string
	}{
		{"noise", "", fmt.Sprintf("value of %d bytes", near+2)},
		{"same", `"` + textOfSize(near, true) + `"`, ""},
		{"", "", fmt.Sprintf("value of 7 bytes; key of %d bytes", near)},
		{"small", `"value"`, ""},
	} {
		r := h.consume(t, dead, 4)[i]
		headers := headersOf(r)
		if string(r.Key) != want.key || string(r.Value) != want.value || headers[dlt.HeaderIncomplete] != want.lacks {
			t.Errorf("dead letter %d: key %.20q, %d bytes, lacks %q", i, r.Key, len(r.Value), headers[dlt.HeaderIncomplete])
		}
		if headers["id"] == "" || headers[dlt.HeaderPosition] == "" ||
			headers[dlt.HeaderReason] != record.ReasonTopicName {
			t.Errorf("dead letter %d does not say where its row is: %.100q", i, headers)
		}
	}
}

// A dead letter topic that takes not even the shortest form halts the relay, which names
// the topic and its setting: nothing is lost, and nothing waits.
func TestDeadLetterTopicTooSmallHalts(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: rejects("dead_letter")})
	dead := h.Config.Delivery.DeadLetter.String()
	if err := h.Kafka.CreateTopic(t.Context(), dead, 1, 1, map[string]string{"max.message.bytes": "100"}); err != nil {
		t.Fatal(err)
	}
	h.Start(t)
	h.Exec(t, rejectedRow("k", "v"))
	err := h.Wait(t)
	if halt, ok := errors.AsType[*status.Halt](err); !ok || halt.Code != status.ExitHalted || !strings.Contains(halt.Detail, dead) ||
		!strings.Contains(halt.Detail, "max.message.bytes") {
		t.Fatalf("ended with %v", err)
	}
}
