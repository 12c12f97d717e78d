// Package projection builds a read model from topics: it reads them from a place,
// applies each record to the caller's tables, and keeps its position in the same
// transaction. So a crash goes on exactly where the tables are, whatever Kafka
// delivers again.
//
//	p, err := projection.New(projection.Config{
//		Name:    "order_list",
//		Brokers: []string{"localhost:9092"},
//		Topics:  []string{"outbox.event.order"},
//		Tables:  []string{"order_list"},
//	}, projection.Pgx(pool), func(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
//		_, err := tx.Exec(ctx, "INSERT INTO "+e.Table("order_list")+" (id) VALUES ($1) ON CONFLICT DO NOTHING", string(e.Key))
//		return err
//	})
//	...
//	err = p.Run(ctx) // until ctx is cancelled: nil
//
// The position is in the table of [DDL], one row for each partition. There is no
// consumer group: one process reads all partitions, and one that comes to the same
// projection meanwhile is fenced off by the position.
//
// # Once, in order
//
// A transaction first moves the position from where this process believes it to be,
// and then applies the records behind it. Where the position is elsewhere, another
// process is at work, and nothing is applied. Records of one partition, so those of
// one key, are applied one after the other. A relay that delivers at least once
// writes the same event twice: that is two records, and [Event.ID] tells of it; most
// read models set what an event says and need not care.
//
// # Rebuild
//
// [Projection.Rebuild] builds the tables anew beside those in use, from the same
// topics, until it is as far as they are; then it puts the new tables in the place of
// the old in one transaction. Readers wait for that moment at most, and never see a
// table that is missing or half full.
//
// # Errors
//
// No record is skipped. Errors that pass (classed by package inbox: connections,
// deadlocks, time-outs) are tried again for as long as it takes; any other ends Run
// with the record's place. To pass over a record, the handler returns nil.
//
// The name is the field's: Marten, Axon and EventStoreDB call this a projection.
//
// The package knows sarama, and transactions by their interfaces alone: it compiles
// without a driver, and without a logger or metrics library. It shares the store and
// the classes of errors with package inbox.
package projection
