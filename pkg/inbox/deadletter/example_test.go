package deadletter_test

import (
	"context"
	"fmt"

	"github.com/walpost/walpost/pkg/inbox/deadletter"
)

// What could not be processed, and why.
func ExampleList() {
	result, err := deadletter.List(context.Background(), deadletter.Config{
		Brokers: brokers,
		Topic:   "outbox.event.order.DLT",
		Each: func(r *deadletter.Record) error {
			fmt.Printf("order %s of %s: %s: %s\n", r.Event.Key, r.Group, r.Reason, r.Error)
			return nil
		},
	})
	fmt.Println(result.Matched, err)
	// Output:
	// order 42 of payments: permanent: *errors.errorString
	// order 43 of payments: permanent: *errors.errorString
	// 2 <nil>
}

// Dead letters of one consumer group go back to the topic that they came from. What cannot go
// back stays, and says why.
func ExampleRedrive() {
	ctx := context.Background()
	config := deadletter.Config{
		Brokers: brokers,
		Topic:   "outbox.event.refund.DLT",
		Match:   func(r *deadletter.Record) bool { return r.Group == "payments" },
		Stays: func(r *deadletter.Record) error {
			fmt.Printf("order %s stays: %v\n", r.Event.Key, r.Stays)
			return nil
		},
	}
	for range 2 {
		result, err := deadletter.Redrive(ctx, config)
		fmt.Println(result.Sent, err)
	}
	// Output:
	// map[outbox.event.refund:2] <nil>
	// map[] <nil>
}

// A dead letter that nobody wants to process any more.
func ExampleDiscard() {
	ctx := context.Background()
	config := deadletter.Config{
		Brokers: brokers,
		Topic:   "outbox.event.parcel.DLT",
		Match:   func(r *deadletter.Record) bool { return string(r.Event.Key) == "42" },
	}
	config.DryRun = true // first, what it would be
	config.Each = func(r *deadletter.Record) error {
		fmt.Println(r.Event.Topic, r.Event.Partition, r.Event.Offset, r.Event.ID)
		return nil
	}
	if _, err := deadletter.Discard(ctx, config); err != nil {
		fmt.Println(err)
		return
	}
	config.DryRun, config.Each = false, nil
	result, err := deadletter.Discard(ctx, config)
	fmt.Println(result.Marked, err)
	// Output:
	// outbox.event.parcel 0 0 1
	// 1 <nil>
}
