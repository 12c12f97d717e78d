package router

import (
	"errors"
	"testing"

	"github.com/walpost/walpost/internal/record"
)

// sameHeaders compares the headers of a record with names and values; a nil is a null.
func sameHeaders(t *testing.T, rec *record.Record, want ...[2]any) {
	t.Helper()
	if len(rec.Headers) != len(want) {
		t.Fatalf("headers %q, want %q", rec.Headers, want)
	}
	for i, h := range rec.Headers {
		value, some := want[i][1].(string)
		if h.Name != want[i][0] || string(h.Value) != value || (h.Value != nil) != some {
			t.Errorf("header %d is %q = %q, want %q", i, h.Name, h.Value, want[i])
		}
	}
}

func TestConstantsStandWhereTheFileHasThem(t *testing.T) {
	m := defaultMapping()
	m.PositionHeader = "at"
	m.Headers = []HeaderColumn{{Name: "region", Constant: "eu"}, {Name: "eventType", Column: "type"}, {Name: "empty"}}
	r := newRouter(t, m)
	const position = "0000000000000001/00000002"
	for range 2 {
		rec, err := r.Route(insert(outbox()), commitTime(), record.Position{CommitLSN: 1, Ordinal: 2})
		if err != nil {
			t.Fatal(err)
		}
		sameHeaders(t, rec, [2]any{"id", anID}, [2]any{"region", "eu"}, [2]any{"eventType", "OrderCreated"}, [2]any{"empty", ""},
			[2]any{"at", position})
	}
	if findings := r.Check(outbox(), nil); len(findings) != 0 {
		t.Errorf("%+v: a constant is no column", findings)
	}

	// The dead letter of a message without a row has them too.
	rec, err := r.RouteMessage([]byte("{"), commitTime(), record.Position{CommitLSN: 1, Ordinal: 2})
	if _, ok := errors.AsType[*record.Rejection](err); !ok {
		t.Fatal(err)
	}
	sameHeaders(t, rec, [2]any{"id", nil}, [2]any{"region", "eu"}, [2]any{"eventType", nil}, [2]any{"empty", ""}, [2]any{"at", position})
}
