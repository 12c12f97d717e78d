package router

import (
	"testing"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/debezium"
)

const traceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// traced is a mapping with a trace context between the id and other headers, and its table.
func traced() (Mapping, *pgoutput.Relation) {
	m, rel := jsonHeaders()
	m.Trace = "h"
	return m, rel
}

func TestTraceContextBecomesHeaders(t *testing.T) {
	m, rel := traced()
	r := newRouter(t, m)
	for _, c := range []struct {
		text string
		want [][2]any
	}{
		{`{"traceparent": "` + traceParent + `", "tracestate": "a=1"}`, [][2]any{{"traceparent", traceParent}, {"tracestate", "a=1"}}},
		{`{"traceparent": "` + traceParent + `"}`, [][2]any{{"traceparent", traceParent}}},
		{`{"traceparent": "broken"}`, nil},
		{`{}`, nil},
	} {
		rec, err := r.Route(insert(rel, text(c.text)), commitTime(), record.Position{CommitLSN: 1, Ordinal: 2})
		if err != nil {
			t.Fatal(err)
		}
		want := append([][2]any{{"id", anID}}, c.want...)
		sameHeaders(t, rec, append(want, [2]any{"eventType", "OrderCreated"}, [2]any{"region", "eu"},
			[2]any{"at", "0000000000000001/00000002"})...)
	}
	rec, err := r.Route(insert(rel, null()), commitTime(), record.Position{})
	if err != nil || len(rec.Headers) != 4 {
		t.Errorf("NULL: %q, %v", rec.Headers, err)
	}
}

// A column of Debezium's writers, and one of a traceparent beside one of the state.
func TestTraceContextOfAColumn(t *testing.T) {
	_, rel := traced()
	m := defaultMapping()
	m.Trace = "h"
	properties := "#\ntraceparent=" + traceParent + "\ntracestate=a\\=1\n"
	rec, err := newRouter(t, m).Route(insert(rel, text(properties)), commitTime(), record.Position{})
	if err != nil {
		t.Fatal(err)
	}
	sameHeaders(t, rec, [2]any{"id", anID}, [2]any{"traceparent", traceParent}, [2]any{"tracestate", "a=1"},
		[2]any{"eventType", "OrderCreated"})

	m.Headers = []HeaderColumn{{Name: "tracestate", Column: "type"}}
	rec, err = newRouter(t, m).Route(insert(rel, text(traceParent)), commitTime(), record.Position{})
	if err != nil {
		t.Fatal(err)
	}
	sameHeaders(t, rec, [2]any{"id", anID}, [2]any{"traceparent", traceParent}, [2]any{"tracestate", "OrderCreated"})
}

func TestTraceContextOfAnUnsuitableColumn(t *testing.T) {
	m := defaultMapping()
	m.Trace = "id"
	findings := newRouter(t, m).Check(outbox(), nil)
	if len(findings) != 1 || !findings[0].Failed || findings[0].Key != "outbox.trace" {
		t.Errorf("%+v, want one of outbox.trace", findings)
	}
	limits := newRouter(t, Mapping{Topic: m.Topic, ID: "id", Value: "payload", Trace: "h", MaxBytes: 100}).Columns(
		outbox(pgoutput.Column{Name: "h", TypeOID: debezium.OIDText, TypeMod: -1}))
	if limits[len(limits)-1] == 0 {
		t.Error("the column of a long row is not kept")
	}
}
