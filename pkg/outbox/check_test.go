package outbox_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/walpost/walpost/pkg/outbox"
)

func TestInvalidEvents(t *testing.T) {
	t.Parallel()
	with := func(change func(*outbox.Event)) outbox.Event {
		e := event(1)
		e.Headers = []outbox.Header{{Name: "Tenant", Value: "t"}}
		change(&e)
		return e
	}
	o, err := outbox.New(outbox.Config{
		MaxBytes: 1000, Topic: "x.{aggregatetype}.{tenant}", Headers: []outbox.HeaderColumn{{Header: "Tenant", Column: "tenant"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		event outbox.Event
		field string
		want  error
	}{
		"no aggregate type": {with(func(e *outbox.Event) { e.AggregateType = "" }), "AggregateType", outbox.ErrRequired},
		"no aggregate id":   {with(func(e *outbox.Event) { e.AggregateID = "" }), "AggregateID", outbox.ErrRequired},
		"no type":           {with(func(e *outbox.Event) { e.Type = "" }), "Type", outbox.ErrRequired},
		"NUL":               {with(func(e *outbox.Event) { e.AggregateID = "a\x00" }), "AggregateID", outbox.ErrText},
		"not UTF-8":         {with(func(e *outbox.Event) { e.Type = "\xff" }), "Type", outbox.ErrText},
		"header not UTF-8": {with(func(e *outbox.Event) {
			e.Headers = []outbox.Header{{Name: "Tenant", Value: "\xff"}}
		}), `Headers["Tenant"]`, outbox.ErrText},
		"ID": {with(func(e *outbox.Event) { e.ID = "42" }), "ID", outbox.ErrID},
		"topic of dead letters": {with(func(e *outbox.Event) {
			e.Headers = []outbox.Header{{Name: "Tenant", Value: "order.DLT"}}
		}), "AggregateType", outbox.ErrTopic},
		"topic with a blank": {with(func(e *outbox.Event) { e.AggregateType = "a b" }), "AggregateType", outbox.ErrTopic},
		"topic too long": {with(func(e *outbox.Event) {
			e.AggregateType = strings.Repeat("a", 249)
		}), "AggregateType", outbox.ErrTopic},
		"topic column NULL": {with(func(e *outbox.Event) { e.Headers = nil }), `Headers["Tenant"]`, outbox.ErrTopic},
		"unknown header": {with(func(e *outbox.Event) {
			e.Headers = []outbox.Header{{Name: "Other", Value: ""}}
		}), `Headers["Other"]`, outbox.ErrNoColumn},
		"version without column": {with(func(e *outbox.Event) { e.SchemaVersion = 1 }), "SchemaVersion", outbox.ErrNoColumn},
		"not JSON":               {with(func(e *outbox.Event) { e.Payload = []byte("{") }), "Payload", outbox.ErrJSON},
		"empty bytes as JSON":    {with(func(e *outbox.Event) { e.Payload = []byte{} }), "Payload", outbox.ErrJSON},
		"a string as JSON":       {with(func(e *outbox.Event) { e.Payload = "Hello" }), "Payload", outbox.ErrJSON},
		"a header twice": {with(func(e *outbox.Event) {
			e.Headers = []outbox.Header{{Name: "Tenant"}, {Name: "Tenant"}}
		}), `Headers["Tenant"]`, outbox.ErrNoColumn},
		"JSON with bad UTF-8": {with(func(e *outbox.Event) { e.Payload = []byte("\"\xff\"") }), "Payload", outbox.ErrText},
		"too large":           {with(func(e *outbox.Event) { e.Payload = strings.Repeat("1", 1000) }), "Payload", outbox.ErrTooLarge},
		"too large with headers": {with(func(e *outbox.Event) {
			e.Headers = []outbox.Header{{Name: "Tenant", Value: strings.Repeat("x", 200)}}
			e.Payload = strings.Repeat("1", 700)
		}), "Payload", outbox.ErrTooLarge},
		"what no codec can write": {with(func(e *outbox.Event) { e.Payload = math.NaN() }), "Payload", outbox.ErrCodec},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := event(0)
			good.Headers = []outbox.Header{{Name: "Tenant", Value: "t"}}
			for what, write := range map[string]func() error{
				"Write": func() error { return o.Write(context.Background(), untouched{}, good, test.event, good) },
				"Emit":  func() error { return o.Emit(context.Background(), untouched{}, good, test.event, good) },
			} {
				err := write()
				var place *outbox.EventError
				if !errors.Is(err, test.want) || !errors.As(err, &place) || place.Index != 1 || place.Field != test.field {
					t.Errorf("%s: %v, want %v of %s in event 1", what, err, test.want, test.field)
				}
			}
		})
	}
}

// The error of a bad event goes to logs, and must not take its data there.
func TestErrorsDoNotShowThePayload(t *testing.T) {
	t.Parallel()
	e := event(1)
	e.Payload = []byte(`{"card": "4111111111111111"`)
	if err := outbox.Write(context.Background(), untouched{}, e); err == nil || strings.Contains(err.Error(), "4111") {
		t.Errorf("%v", err)
	}
}

func TestBadConfigurations(t *testing.T) {
	t.Parallel()
	for want, config := range map[string]outbox.Config{
		`column id is named twice`: {Columns: outbox.Columns{Type: "id"}},
		`Headers["a"] is given twice`: {
			Headers: []outbox.HeaderColumn{{Header: "a", Column: "b"}, {Header: "a", Column: "c"}},
		},
		`Headers: column ""`:                        {Headers: []outbox.HeaderColumn{{Header: "a"}}},
		`Headers: header ""`:                        {Headers: []outbox.HeaderColumn{{Column: "a"}}},
		`at most 63 bytes`:                          {Columns: outbox.Columns{ID: strings.Repeat("a", 64)}},
		`Types: there is no column value`:           {Types: map[string]string{"value": "json"}},
		`is not a type`:                             {Types: map[string]string{"payload": "text); DROP TABLE x; --"}},
		`want table or schema.table in SQL`:         {Table: "a b"},
		`want a closing "`:                          {Table: `"a`},
		`without a database`:                        {Table: "a.b.c"},
		`Table: "a.": want a name`:                  {Table: "a."},
		`Topic: "x.{kind}" names the column kind`:   {Topic: "x.{kind}"},
		`has a { without its }`:                     {Topic: "x.{kind"},
		`has a } without its {`:                     {Topic: "x.kind}"},
		`TraceContext: it fills`:                    {Columns: outbox.Columns{Traceparent: "traceparent"}},
		`MaxBytes: -1`:                              {MaxBytes: -1},
		`want at most 53 bytes for a partitioned`:   {Table: strings.Repeat("a", 54), Partitioned: true},
		`column created_at is named twice`:          {Partitioned: true, Columns: outbox.Columns{Type: "created_at"}},
		`MessagePrefix: want UTF-8`:                 {MessagePrefix: "a\x00"},
		`Types: "" of column payload is not a type`: {Types: map[string]string{"payload": ""}},
	} {
		if _, err := outbox.New(config); !errors.Is(err, outbox.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}
