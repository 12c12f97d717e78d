package outbox_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/walpost/walpost/pkg/outbox"
)

// discard is a transaction that does nothing: what is left is the package's own cost.
type discard int64

func (d discard) ExecContext(context.Context, string, ...any) (sql.Result, error) {
	return driver.RowsAffected(d), nil
}

func (discard) Commit() error   { return nil }
func (discard) Rollback() error { return nil }

func benchmarkEvents(n int) []outbox.Event {
	payload := json.RawMessage(`{"id": 1, "text": "` + strings.Repeat("x", 200) + `", "list": [1, 2, 3]}`)
	all := make([]outbox.Event, n)
	for i := range all {
		all[i] = outbox.Event{AggregateType: "order", AggregateID: fmt.Sprint(i), Type: "OrderPlaced", Payload: payload}
	}
	return all
}

func BenchmarkWrite(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			o, err := outbox.New(outbox.Config{})
			if err != nil {
				b.Fatal(err)
			}
			all := benchmarkEvents(n)
			b.ReportAllocs()
			for b.Loop() {
				if err := o.Write(b.Context(), discard(n), all...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("package function", func(b *testing.B) {
		all := benchmarkEvents(1)
		b.ReportAllocs()
		for b.Loop() {
			if err := outbox.Write(b.Context(), discard(1), all...); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPostgres is Write with its round trip, in autocommit.
func BenchmarkPostgres(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := newStore(b, outbox.Config{})
			all := benchmarkEvents(n)
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Events.Write(b.Context(), outbox.UncheckedPgx(s.Conn), all...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
