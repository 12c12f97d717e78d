package router

import (
	"testing"

	"github.com/walpost/walpost/internal/record"
)

func TestSizeLimit(t *testing.T) {
	m := defaultMapping()
	rec, err := newRouter(t, m).Route(insert(outbox()), commitTime(), record.Position{})
	if err != nil {
		t.Fatal(err)
	}
	m.MaxBytes = rec.Size()
	if _, err := newRouter(t, m).Route(insert(outbox()), commitTime(), record.Position{}); err != nil {
		t.Errorf("a record of the limit's size: %v", err)
	}
	m.MaxBytes--
	if _, r := rejected(t, m, insert(outbox())); r.Reason != record.ReasonTooLarge || r.Topic != "outbox.event.Order" {
		t.Errorf("%+v", r)
	}
	m.MaxBytes = 0
	if _, err := newRouter(t, m).Route(insert(outbox()), commitTime(), record.Position{}); err != nil {
		t.Errorf("without a limit: %v", err)
	}
}
