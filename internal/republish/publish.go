package republish

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/outboxtable"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// Rows publishes what a query gives, in the transaction that is open on conn, and waits
// until Kafka has acknowledged it. The catalogue is read over a second connection. report
// is called after each chunk of rows.
func (p *Publisher) Rows(ctx context.Context, conn, catalogue *pgx.Conn, q *outboxtable.Query, report func(Result)) error {
	columns := q.Columns()
	cursor, err := q.Open(ctx, conn, "walpost_"+p.options.Command, columns...)
	if err != nil {
		return err
	}
	table, err := outboxtable.ReadTable(ctx, catalogue, p.options.Config)
	if err != nil {
		return err
	}
	if p.relation, err = outboxtable.Relation(p.options.Config, table, columns...); err != nil {
		return err
	}
	if err := wiring.LearnTable(ctx, catalogue, p.options.Config, p.router, table); err != nil {
		return err
	}
	for {
		n, err := cursor.Next(ctx, func(row pgoutput.Tuple) error { return p.row(ctx, row) })
		if err != nil {
			return err
		}
		if n == 0 {
			return p.Flush(ctx)
		}
		report(p.Result())
	}
}

// Record publishes a record that was one before, as soon as there is room for it.
func (p *Publisher) Record(ctx context.Context, rec *record.Record) error {
	if err := p.next(ctx); err != nil {
		return err
	}
	return p.publish(ctx, rec)
}

// Flush waits until Kafka has acknowledged everything.
func (p *Publisher) Flush(ctx context.Context) error {
	for p.producer.Watermark() <= p.events {
		if err := p.await(ctx); err != nil {
			return err
		}
	}
	return p.halted()
}

// row publishes one row, as soon as there is room for it.
func (p *Publisher) row(ctx context.Context, row pgoutput.Tuple) error {
	if p.position.Ordinal == math.MaxUint32 {
		return fmt.Errorf("more than %d rows: %s them in parts", uint32(math.MaxUint32), p.options.Command)
	}
	if err := p.next(ctx); err != nil {
		return err
	}
	rec, err := p.router.Route(&pgoutput.Insert{Relation: p.relation, Row: row}, time.Now(), p.position)
	if rejection, ok := errors.AsType[*record.Rejection](err); ok {
		return p.reject(rec, rejection)
	}
	if err != nil {
		return &status.Halt{Code: status.ExitRequirement, Reason: "the outbox table does not fit the configuration", Detail: err.Error()}
	}
	return p.publish(ctx, rec)
}

// next waits until there is room and time for one more, and counts it.
func (p *Publisher) next(ctx context.Context) error {
	if err := p.room(ctx); err != nil {
		return err
	}
	if err := p.pace(ctx); err != nil {
		return err
	}
	p.position.Ordinal++
	p.rows++
	return nil
}

// room waits until there is room for one more.
func (p *Publisher) room(ctx context.Context) error {
	for p.producer.Full() {
		if err := p.await(ctx); err != nil {
			return err
		}
	}
	if p.events%outboxtable.ChunkSize == 0 {
		return p.halted()
	}
	return nil
}

// publish queues a record, unless its topic would not keep it.
func (p *Publisher) publish(ctx context.Context, rec *record.Record) error {
	if p.expiry != nil {
		if err := p.expiry.Check(ctx, rec.Topic, time.UnixMilli(rec.Timestamp)); err != nil {
			return err
		}
	}
	if len(p.options.Headers) > 0 {
		rec.Headers = append(slices.Clip(rec.Headers), p.options.Headers...)
	}
	p.events++
	p.producer.Add(rec, p.events, p.position)
	return nil
}

// await waits until the producer may have got on.
func (p *Publisher) await(ctx context.Context) error {
	if err := p.halted(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.progress:
	case <-p.tick.C:
	}
	return nil
}
