package router

import (
	"bytes"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/debezium"
)

// A row of which a column was not kept is too large, with its id and its topic,
// and what was not kept is not in the record. The next row knows nothing of it.
func TestRowWithADiscardedColumn(t *testing.T) {
	m := defaultMapping()
	m.MaxBytes = 1 << 20
	r := newRouter(t, m)
	payload := pgoutput.Value{Kind: pgoutput.Discarded, Size: 250_000_000, Data: []byte(`{"secret`)}
	rec, err := r.Route(with(insert(outbox()), 4, payload), commitTime(), record.Position{})
	rejection, ok := err.(*record.Rejection) //nolint:errorlint // Route gives it as it is
	if !ok || rejection.Reason != record.ReasonTooLarge || rejection.ID == "" || rejection.Topic != "outbox.event.Order" {
		t.Fatalf("%+v", err)
	}
	if rec.Value != nil || rec.Key == nil || strings.Contains(rejection.Text, "secret") || !strings.Contains(rejection.Text, "250000000") {
		t.Errorf("%+v, %s", rec, rejection.Text)
	}
	if _, err := r.Route(insert(outbox()), commitTime(), record.Position{}); err != nil {
		t.Errorf("the row after it: %v", err)
	}
}

// What may be kept of a column is what a record that fits can need.
func TestColumnsOfALongRow(t *testing.T) {
	m := defaultMapping()
	m.MaxBytes = 1000
	rel := outbox(pgoutput.Column{Name: "unused", TypeOID: debezium.OIDText})
	limits := newRouter(t, m).Columns(rel)
	if len(limits) != len(rel.Columns) || limits[len(limits)-1] != 0 || limits[4] < 1000 || limits[4] > 1010 {
		t.Errorf("%v", limits)
	}
	rel.Columns[4].TypeOID = debezium.OIDBytea // two digits for a byte
	if limits := newRouter(t, m).Columns(rel); limits[4] < 2000 || limits[4] > 2010 {
		t.Errorf("bytea: %v", limits)
	}
	if limits := newRouter(t, m).Columns(&pgoutput.Relation{ID: 9}); limits != nil {
		t.Errorf("a table that does not fit: %v", limits)
	}
}

// Of a message that is too long the members at its front name the event.
func TestRouteHead(t *testing.T) {
	m := messageMapping()
	m.MaxBytes = 1000
	r := newRouter(t, m)
	if _, err := r.RouteMessage([]byte(`{"id": "before", "aggregatetype": "order", "aggregateid": "b", "payload": "{}"}`), commitTime(),
		record.Position{}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ head, id string }{
		"in a text":                {`{"id": "e1", "aggregatetype": "order", "payload": "xxx`, "e1"},
		"in a character":           {`{"id": "e1", "aggregatetype": "order", "payload": "xü`[:52], "e1"},
		"before the id":            {`{"aggregatetype": "order", "payload": "xxx`, ""},
		"not UTF-8":                {"{\"id\": \"e1\", \xff \"aggregatetype\": \"order\"", ""},
		"nothing":                  {"", ""},
		"a text of another form":   {`no JSON`, ""},
		"an id that is not at end": {`{"id": "e1`, ""},
	} {
		rec, err := r.RouteHead([]byte(tt.head), 5_000_000, commitTime(), record.Position{})
		rejection, ok := err.(*record.Rejection) //nolint:errorlint // as above
		if !ok || rejection.Reason != record.ReasonTooLarge || rejection.ID != tt.id || rec.Value != nil ||
			!strings.Contains(rejection.Text, "5000000") {
			t.Errorf("%s: %+v %+v", name, rec, err)
		}
		if bytes.Contains([]byte(shown(rec)), []byte("before")) {
			t.Errorf("%s: the event before shows in it: %s", name, shown(rec))
		}
	}
}
