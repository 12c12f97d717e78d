package projection_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection"
)

// A mail for each signup, but not again when the list is rebuilt.
func ExampleEvent_Rebuilding() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	list, err := projection.New(projection.Config{
		Name: "signups", Brokers: brokers, Topics: []string{"outbox.event.signup"}, Tables: []string{"signups"},
	}, projection.SQL(db), func(ctx context.Context, tx *sql.Tx, e *projection.Event) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO "+e.Table("signups")+" (id) VALUES ($1)", string(e.Key)); err != nil {
			return err
		}
		if !e.Rebuilding() {
			fmt.Println("mail to", string(e.Key))
			cancel() // the end of Run
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	publish("outbox.event.signup", "ann@example.com", nil)
	fmt.Println("run:", list.Run(ctx))
	fmt.Println("rebuild:", list.Rebuild(context.Background()))
	// Output:
	// mail to ann@example.com
	// run: <nil>
	// rebuild: <nil>
}

// A sum that a repeat must not change: the row knows the version of the last event, which the
// relay sends as a header with `outbox.headers: {version: version}`.
func ExampleEvent_Header() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sums, err := projection.New(projection.Config{
		Name: "sums", Brokers: brokers, Topics: []string{"outbox.event.booking"},
	}, projection.SQL(db), func(ctx context.Context, tx *sql.Tx, e *projection.Event) error {
		value, _ := e.Header("version")
		version, err := strconv.Atoi(string(value))
		if err != nil {
			return fmt.Errorf("header version: %w", err)
		}
		result, err := tx.ExecContext(ctx, "UPDATE sums SET n = n + 1, version = $2 WHERE id = $1 AND version < $2", string(e.Key), version)
		if err != nil {
			return err
		}
		changed, err := result.RowsAffected()
		fmt.Println("version", version, "rows", changed)
		if version == 2 {
			cancel() // the end of the example
		}
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, version := range []string{"1", "1", "2"} {
		publish("outbox.event.booking", "47", map[string]string{"version": version})
	}
	if err := sums.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// version 1 rows 1
	// version 1 rows 0
	// version 2 rows 1
}

// A rebuild that ended with an error keeps its tables, and the next call continues. DropRebuild
// drops them, so that the next call begins anew, as after a change of the handler.
func ExampleProjection_DropRebuild() {
	ctx := context.Background()
	errUnknown := errors.New("an event of a type that the handler does not know")
	list, err := projection.New(projection.Config{
		Name: "stock", Brokers: brokers, Topics: []string{"outbox.event.stock"}, Tables: []string{"stock"},
	}, projection.SQL(db), func(context.Context, *sql.Tx, *projection.Event) error {
		return inbox.Permanent(errUnknown)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	publish("outbox.event.stock", "48", map[string]string{"eventType": "StockCounted"})
	err = list.Rebuild(ctx)
	fmt.Println(errors.Is(err, errUnknown))
	fmt.Println(err)
	fmt.Println(list.DropRebuild(ctx))
	// Output:
	// true
	// projection: outbox.event.stock/0 offset 0 (id ""): an event of a type that the handler does not know
	// <nil>
}
