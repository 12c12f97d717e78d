// Package inbox reads events from Kafka, as walpost (or Debezium's outbox event
// router) publishes them, and lets each change the database once.
//
//	consumer, err := inbox.New(inbox.Config{
//		Brokers:   []string{"localhost:9092"},
//		Group:     "payments",
//		Topics:    []string{"outbox.event.order"},
//		Observers: []inbox.Observer{inbox.Log(slog.Default())},
//	}, inbox.Pgx(pool), func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
//		_, err := tx.Exec(ctx, "INSERT INTO payments (order_id) VALUES ($1)", string(e.Key))
//		return err
//	})
//	...
//	err = consumer.Run(ctx) // until ctx is cancelled: nil
//
// With database/sql it is inbox.SQL(db) and a handler that takes *sql.Tx. Both
// need the table of [DDL].
//
// # Once
//
// The id of the event goes into the inbox table in the transaction that the handler
// gets, under a primary key of consumer group, id and a digest of topic, type, key and
// payload: an id may come again for another event. An event that is there has
// been processed, and the handler is not called. So what the handler does with its
// transaction happens once, whatever is delivered again: after a crash, by a
// rebalance, by a relay, or by a member that was frozen and wakes up. What it does
// elsewhere (a mail, a request) may happen again; give those the event's id.
//
// The offset is marked after the commit, and only when all records before it in the
// partition are done too.
//
// # Order
//
// Records of one key are processed one after the other, in the order of their
// partition. A record that fails is tried again before the next of its key, so that
// order holds; see [Config.Parallel] for what goes on meanwhile.
//
// # Errors
//
// What an error of the handler means is its [Class]. The handler says so by
// [Transient], [Permanent], [Unavailable] or [Fatal]; else [Config.Classify] does;
// else a rule by SQLSTATE, network and context errors, which [Classify] has.
// Nothing is ever skipped: a record that cannot be processed is on its dead letter
// topic, acknowledged by Kafka, before its offset is marked, or Run returns an error
// and the record comes again.
//
// # Retry topics
//
// With [Config.RetryTopic] a record that fails as ClassTransient is parked instead of
// being tried in place: it goes to the retry topic, and later records of its key follow
// it there, so that other keys go on and order per key holds. The table of [ParkedDDL]
// has a row for each parked record until it is done.
//
// The package knows sarama's consumer groups, and transactions by their interfaces
// alone: it compiles without a driver, and without a logger or metrics library. It
// must not know walpost's own packages, but for what it shares with pkg/projection.
package inbox
