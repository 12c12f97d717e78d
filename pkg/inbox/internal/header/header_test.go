package header_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/header"
)

// What a record says in headers that look like walpost's comes back, and is not believed.
func TestEscapeAndSplit(t *testing.T) {
	t.Parallel()
	names := []string{"id", "walpost-dlt-topic", "walpost-retry-group", "walpost-own-walpost-dlt-topic", "walpost-own-", "WALPOST-DLT-a"}
	var record []*sarama.RecordHeader
	for _, name := range names {
		record = append(record, &sarama.RecordHeader{Key: []byte(name), Value: []byte("record")})
	}
	written := append(header.Escape(record), header.New("walpost-dlt-topic", "ours"), header.New("walpost-retry-group", "ours"))
	var read []*sarama.RecordHeader
	for i := range written {
		read = append(read, &written[i])
	}
	ours, back := header.Split(read, func(name string) bool {
		return strings.HasPrefix(name, "walpost-dlt-") || strings.HasPrefix(name, "walpost-retry-")
	})
	if len(ours) != 2 || ours["walpost-dlt-topic"] != "ours" || ours["walpost-retry-group"] != "ours" {
		t.Errorf("ours are %v", ours)
	}
	var got []string
	for _, h := range back {
		got = append(got, string(h.Key))
	}
	if !slices.Equal(got, names) {
		t.Errorf("the record has %q, want %q", got, names)
	}
	if string(record[1].Key) != "walpost-dlt-topic" {
		t.Error("the record's own headers were changed")
	}
}

func TestNumbersThatNobodyWrote(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int32{
		"7": 7, "": -1, "-1": -1, "-7": -1, "2147483647": math.MaxInt32, "2147483648": -1, "4294967296": -1, "9223372036854775808": -1,
		"0x7": -1, "7 ": -1,
	} {
		if got := (header.Values{"n": text}).Int32("n", -1); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}

// Each time can be written as JSON and read again.
func TestTimesThatNobodyWrote(t *testing.T) {
	t.Parallel()
	for text, known := range map[string]bool{
		"2026-01-02T03:04:05.000000001Z": true, "2026-01-02T03:04:05+24:00": true, "9999-12-31T23:59:59-23:00": false,
		"0000-01-01T00:00:00+01:00": false, "": false, "yesterday": false, header.Time(time.UnixMilli(math.MaxInt64)): false,
	} {
		got := header.Values{"t": text}.Time("t")
		if got.IsZero() == known {
			t.Errorf("%q is %v", text, got)
		}
		if _, err := json.Marshal(got); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
