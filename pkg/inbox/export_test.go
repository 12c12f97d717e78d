package inbox

import (
	"context"
	"time"

	"github.com/IBM/sarama"
)

// Attempt makes one attempt at an event, as a consumer without a retry topic does.
func Attempt[Tx any](ctx context.Context, db DB[Tx], e *Event, handle Handler[Tx]) error {
	config := withDefaults(Config{})
	u := &unit[Tx]{db: db, handle: handle, table: config.Table, sql: statementsOf(&config)}
	a := newTry(ctx, time.Minute)
	defer a.Close()
	_, err := u.one(a, e)
	return err
}

// TableFix returns what mends a table for which Postgres gave this error.
func TableFix(table string, err error) string {
	u := &unit[int]{table: table}
	return u.tableFix(err)
}

// Processing returns what makes one attempt at a record, and what processes records in a
// batch.
func Processing[Tx any](config Config, db DB[Tx], handle Handler[Tx]) (
	one func(context.Context, *sarama.ConsumerMessage) error, many func(context.Context, []*sarama.ConsumerMessage) error,
) {
	config = withDefaults(config)
	c := &Consumer{config: config, unit: &unit[Tx]{db, handle, config.Group, config.Table, statementsOf(&config)}}
	one = func(ctx context.Context, m *sarama.ConsumerMessage) error {
		e, err := config.eventOf(m)
		if err != nil {
			return err
		}
		t := &task{partition: &partition{consumer: c}, event: e}
		t.try(ctx)
		return t.err
	}
	many = func(ctx context.Context, records []*sarama.ConsumerMessage) error {
		events := make([]*Event, len(records))
		for i, m := range records {
			e, err := config.eventOf(m)
			if err != nil {
				return err
			}
			events[i] = e
		}
		a := newTry(ctx, config.AttemptTimeout)
		defer a.Close()
		return c.unit.many(a, events)
	}
	return one, many
}
