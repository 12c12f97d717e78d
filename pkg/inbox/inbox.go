// Package inbox reads events from Kafka, as walpost (or Debezium's outbox event
// router) publishes them, and calls a handler for each with an open transaction, so that
// each event changes the database once.
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
// With database/sql, use inbox.SQL(db) and a handler that takes *sql.Tx. Both need the
// table of [DDL], and a dead letter topic for each topic, by default TOPIC.DLT.
//
// # Once
//
// The id of the event is inserted into the inbox table in the transaction that the handler
// gets. The primary key is consumer group, id and a digest of topic, type, key and payload,
// because an id may come again for another event. If the row is there, the event has been
// processed, and the handler is not called. So what the handler does with its transaction
// happens once, whatever is delivered again: after a crash, after a rebalance, by a relay,
// or by a member that was frozen and wakes up. What the handler does elsewhere (a mail, a
// request) may happen again: pass the event's id along.
//
// The offset is marked after the commit, and only when all records before it in the
// partition are done too.
//
// # Order
//
// Records of one key are processed one after the other, in the order of their
// partition. A record that fails is retried before the next record of its key. Records of
// other keys continue meanwhile as far as [Config.Parallel] allows.
//
// # Errors
//
// The [Class] of an error decides what happens to its record. The handler sets it with
// [Transient], [Permanent], [Unavailable] or [Fatal]; otherwise [Config.Classify] does;
// otherwise the rules of [Classify] do, by SQLSTATE, network and context errors. What no
// rule knows is transient. No record is skipped: before the offset of a record that cannot
// be processed is marked, Kafka has acknowledged it on the dead letter topic. Otherwise Run
// returns an error, and the record is delivered again.
//
// # Retry topics
//
// With [Config.RetryTopic] a record that fails with ClassTransient is parked instead of
// being retried in place: it goes to the retry topic, and later records of its key follow
// it there. So other keys continue, and the order of each key is preserved. The table of
// [ParkedDDL] has a row for each parked record until it is processed.
//
// The package compiles without a driver, and without a logger or metrics library.
package inbox
