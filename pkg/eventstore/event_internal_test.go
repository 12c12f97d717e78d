package eventstore

import (
	"reflect"
	"testing"

	"github.com/walpost/walpost/pkg/outbox"
)

// A field that outbox.Event gets is one of Event too, and reaches the row; the aggregate is
// the stream's.
func TestEventHasTheFieldsOfOutboxEvent(t *testing.T) {
	t.Parallel()
	e := Event{ID: "i", Type: "t", Payload: "p", Headers: []outbox.Header{{Name: "h", Value: "v"}}, SchemaVersion: 7}
	row := rowOf(Stream{Type: "order", ID: "42"}, 3, e)
	if row.AggregateType != "order" || row.AggregateID != "42" {
		t.Errorf("%+v", row)
	}
	from, to := reflect.ValueOf(e), reflect.ValueOf(row)
	fields := reflect.TypeFor[outbox.Event]()
	for i := range fields.NumField() {
		field := fields.Field(i)
		switch field.Name {
		case "AggregateType", "AggregateID":
			continue
		}
		mine := from.FieldByName(field.Name)
		if !mine.IsValid() || mine.Type() != field.Type {
			t.Errorf("Event lacks %s %s of outbox.Event", field.Name, field.Type)
			continue
		}
		if mine.IsZero() {
			t.Errorf("the test has no value for %s", field.Name)
		}
		got := to.FieldByName(field.Name).Interface()
		if field.Name == "Headers" {
			got = row.Headers[:1] // behind them is the version
		}
		if !reflect.DeepEqual(got, mine.Interface()) {
			t.Errorf("%s of the row is %v, want %v", field.Name, got, mine)
		}
	}
	if last := row.Headers[len(row.Headers)-1]; last != (outbox.Header{Name: Version, Value: "3"}) {
		t.Errorf("the last header is %v", last)
	}
	if n := reflect.TypeFor[Event]().NumField(); n != fields.NumField()-2 {
		t.Errorf("Event has %d fields, and outbox.Event %d beside the aggregate", n, fields.NumField()-2)
	}
}
