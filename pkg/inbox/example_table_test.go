package inbox_test

import (
	"context"
	"fmt"
	"time"

	"github.com/walpost/walpost/pkg/inbox"
)

// The table, for a migration.
func ExampleDDL() {
	table, err := inbox.DDL("payments.inbox") // Config.Table names it too
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(table)
	// Output:
	// CREATE TABLE payments.inbox (
	//     consumer_group text NOT NULL,
	//     event_id text NOT NULL,
	//     processed_at timestamptz NOT NULL DEFAULT now(),
	//     event_digest bytea NOT NULL DEFAULT '', -- SHA-256 of topic, type, key and payload
	//     PRIMARY KEY (consumer_group, event_id, event_digest)
	// );
	// CREATE INDEX ON payments.inbox (processed_at);
}

// The table of parked records, for a migration. A consumer with Config.RetryTopic needs it.
func ExampleParkedDDL() {
	table, err := inbox.ParkedDDL("payments.inbox_parked") // Config.Parked names it too
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(table)
	// Output:
	// CREATE TABLE payments.inbox_parked (
	//     consumer_group text NOT NULL,
	//     topic text NOT NULL,
	//     key_hash bytea NOT NULL, -- SHA-256 of the record's key
	//     event_id text NOT NULL,
	//     parked_at timestamptz NOT NULL DEFAULT now(),
	//     PRIMARY KEY (consumer_group, topic, key_hash, event_id)
	// );
}

// A daily job. The table has one event of the group that was processed two months ago, and
// its topics keep records for 7 days.
func ExamplePrune() {
	deleted, err := inbox.Prune(context.Background(), inbox.SQL(db), inbox.PruneConfig{
		Group: "archive",
		Keep:  30 * 24 * time.Hour,
	})
	fmt.Println(deleted, err)
	// Output: 1 <nil>
}
