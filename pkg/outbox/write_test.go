package outbox_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/walpost/walpost/pkg/outbox"
)

// event is one with a number.
func event(n int) outbox.Event {
	return outbox.Event{AggregateType: "order", AggregateID: "42", Type: "Created", Payload: map[string]int{"n": n}}
}

// untouched is a transaction that nothing may be done in.
type untouched struct{}

func (untouched) ExecContext(_ context.Context, query string, _ ...any) (sql.Result, error) {
	return nil, fmt.Errorf("the database was touched: %s", query)
}

func (untouched) Commit() error   { return nil }
func (untouched) Rollback() error { return nil }

// recorded is a transaction that keeps what it was given.
type recorded struct {
	untouched

	args [][]any
}

func (r *recorded) ExecContext(_ context.Context, _ string, args ...any) (sql.Result, error) {
	r.args = append(r.args, args)
	return nil, errors.New("no database")
}

func TestNoEventsTouchNothing(t *testing.T) {
	t.Parallel()
	if err := outbox.Write(context.Background(), untouched{}); err != nil {
		t.Error(err)
	}
	if err := outbox.Emit(context.Background(), untouched{}); err != nil {
		t.Error(err)
	}
}

func TestCodec(t *testing.T) {
	t.Parallel()
	broken, nan := errors.New("broken"), any(-1)
	o, err := outbox.New(outbox.Config{
		Types: map[string]string{"payload": "bytea"},
		Codec: func(v any) ([]byte, error) {
			if v == nan {
				return nil, broken
			}
			return fmt.Appendf(nil, "<%v>", v), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	e := event(1)
	e.Payload = 7
	tx := &recorded{}
	_ = o.Write(context.Background(), tx, e)
	if len(tx.args) != 1 || !slices.Contains(tx.args[0], any(`\x3c373e`)) {
		t.Errorf("%q", tx.args)
	}
	e.Payload = nan
	if err := o.Write(context.Background(), untouched{}, e); !errors.Is(err, broken) || !errors.Is(err, outbox.ErrCodec) {
		t.Errorf("%v", err)
	}
}
