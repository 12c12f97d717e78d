package record_test

import (
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/dlt"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/topicname"
)

// However large a dead letter is, it becomes short in a few steps, and says what it lacks.
func TestShorterEnds(t *testing.T) {
	rec := &record.Record{
		Key: make([]byte, 1<<20), Value: make([]byte, 1<<20), Headers: []record.Header{{Name: "id", Value: make([]byte, 1<<20)}},
	}
	for i := range 5000 {
		rec.Headers = append(rec.Headers, record.Header{Name: strings.Repeat("n", 100), Value: make([]byte, i)})
	}
	rejection := &record.Rejection{Reason: record.ReasonTooLarge, Topic: strings.Repeat("t", 1<<20), Text: strings.Repeat("e", 1<<20)}
	letters, err := record.NewDeadLetters(topicname.Template{{Literal: "dead"}})
	if err != nil {
		t.Fatal(err)
	}
	letter, err := letters.Record(rec, rejection, record.Position{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	for short, ok := record.Shorter(letter); ok; short, ok = record.Shorter(letter) {
		if steps++; steps > 2 || short.Size() >= letter.Size() {
			t.Fatalf("step %d: %d bytes of %d", steps, short.Size(), letter.Size())
		}
		letter = short
	}
	said := letter.Headers[len(letter.Headers)-1]
	if steps != 2 || letter.Size() > 20<<10 || said.Name != dlt.HeaderIncomplete ||
		!strings.HasPrefix(string(said.Value), "value of 1048576 bytes; key of 1048576 bytes; header ") {
		t.Errorf("%d steps, %d bytes, %.300q", steps, letter.Size(), said)
	}
	if len(rec.Value) != 1<<20 || len(rec.Headers) != 5001 || len(rec.Headers[0].Value) != 1<<20 {
		t.Error("the record was changed")
	}
}
