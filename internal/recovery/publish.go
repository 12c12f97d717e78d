package recovery

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/notify"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// publisher is the way of the table's rows to Kafka: the relay's, but for where
// they come from.
type publisher struct {
	router   *router.Router
	letters  *record.DeadLetters
	policy   record.RejectPolicy
	producer *producer.Producer
	wake     notify.Signal // a word from the producer: look again
	tick     *time.Ticker

	relation *pgoutput.Relation
	row      pgoutput.Tuple
	position record.Position // of the last row
	events   uint64          // numbers given out
	result   *Result
	counts   counter
	dead     int64 // rows that could never become a record: dead letters
	skipped  int64 // and those left out
	command  string
	mark     []record.Header // added to every record
	pace     *rate.Limiter   // nil: no limit
	expiry   *expiry         // nil: every record has the time of publishing
}

// publish brings the rows of the snapshot to Kafka and waits until it has
// acknowledged all of them.
func (r *Recovery) publish(ctx context.Context, q *rows, s *snapshot, result *Result, report func(Stage, Result)) error {
	mapping := wiring.Mapping(r.Config)
	if r.StampNow {
		mapping.Timestamp = ""
	}
	p, err := newPublisher(ctx, r.Config, mapping, r.Log, result)
	if err != nil {
		return err
	}
	defer p.close()
	// A transaction that was open when the slot was made may commit exactly at the
	// consistent point, and would share (consistent point, 1) with the first row of
	// the table. Commit records are aligned: no transaction is at the byte before.
	p.position = record.Position{CommitLSN: s.point - 1}
	p.command = "recover"
	p.stampNow(r.StampNow)
	return p.rows(ctx, s.conn, r.conn, r.Config, q, func() { report(Publishing, *result) })
}

// rows publishes what a query over the table gives, in the transaction that is
// open on conn, and waits until Kafka has acknowledged it. The table is looked up
// on a second connection.
func (p *publisher) rows(ctx context.Context, conn, lookup *pgx.Conn, cfg *config.Config, q *rows, report func()) error {
	var columns []string
	for _, n := range wiring.Columns(cfg).List() {
		columns = append(columns, n.Column)
	}
	table := wiring.Table(cfg)
	c, err := openCursor(ctx, conn, "walpost_"+p.command, "read "+table.String(), "SELECT "+selectList(columns, longest(cfg))+q.from()+q.orderBy(), q.args)
	if err != nil {
		return err
	}
	if p.relation, err = relation(ctx, lookup, cfg, columns); err != nil {
		return err
	}
	for {
		n, err := c.next(ctx, func(values [][]byte) error { return p.add(ctx, values) })
		if err != nil {
			return err
		}
		if n == 0 {
			return p.flush(ctx)
		}
		p.figures()
		report()
	}
}

// flush waits until Kafka has acknowledged everything.
func (p *publisher) flush(ctx context.Context) error {
	for p.producer.Watermark() <= p.events {
		if err := p.await(ctx); err != nil {
			return err
		}
	}
	p.figures()
	return p.halted()
}

// relation describes the rows as the stream would: by the catalogue, which names
// domains where the protocol's own description of a result names what they are
// made of. The cursor's lock keeps it as it is.
func relation(ctx context.Context, conn *pgx.Conn, cfg *config.Config, columns []string) (*pgoutput.Relation, error) {
	there, err := catalog.Inspect(ctx, conn, wiring.Names(cfg))
	if err != nil {
		return nil, err
	}
	table := wiring.Table(cfg)
	if there.Table == nil {
		return nil, fmt.Errorf("table %s was renamed", table)
	}
	rel := &pgoutput.Relation{ID: there.Table.OID, Namespace: table.Schema, Name: table.Name}
	for _, name := range columns {
		c := there.Table.Column(name)
		if c == nil {
			return nil, fmt.Errorf("column %q of %s is gone", name, table)
		}
		rel.Columns = append(rel.Columns, pgoutput.Column{Name: c.Name, TypeOID: c.TypeOID, TypeMod: c.TypeMod})
	}
	return rel, nil
}

func newPublisher(ctx context.Context, cfg *config.Config, mapping router.Mapping, log *zap.Logger, result *Result) (*publisher, error) {
	rt, err := router.New(mapping)
	if err != nil {
		return nil, err
	}
	letters, err := wiring.DeadLetters(cfg)
	if err != nil {
		return nil, err
	}
	p := &publisher{router: rt, letters: letters, wake: notify.NewSignal(), tick: time.NewTicker(time.Second), result: result, expiry: newExpiry(cfg)}
	opts, err := wiring.ProducerOptions(cfg, &p.counts, log)
	if err != nil {
		return nil, err
	}
	opts.Progress = p.wake.Notify
	p.policy = opts.OnReject
	if parts, named := mapping.Topic, opts.Configured; len(parts) == 1 && parts[0].Column == "" { // --to-topic
		opts.Configured = func(topic string) bool { return topic == parts[0].Literal || named(topic) }
	}
	p.producer = producer.New(ctx, opts)
	p.producer.SetAge(time.Hour) // nobody waits for these: fill the requests
	return p, nil
}

func (p *publisher) close() {
	p.tick.Stop()
	p.producer.Close()
}

// room waits until there is room for one more.
func (p *publisher) room(ctx context.Context) error {
	for p.producer.Full() {
		if err := p.await(ctx); err != nil {
			return err
		}
	}
	if p.events%chunk == 0 {
		return p.halted()
	}
	return nil
}

// add publishes one row, as soon as there is room for it.
func (p *publisher) add(ctx context.Context, values [][]byte) error {
	if err := p.room(ctx); err != nil {
		return err
	}
	if p.position.Ordinal == math.MaxUint32 {
		return fmt.Errorf("more than %d rows: %s them in parts", uint32(math.MaxUint32), p.command)
	}
	if err := p.wait(ctx); err != nil {
		return err
	}
	p.position.Ordinal++
	p.result.Rows++
	var err error
	if p.row, err = valuesOf(p.row, values); err != nil {
		return err
	}
	rec, err := p.router.Route(&pgoutput.Insert{Relation: p.relation, Row: p.row}, time.Now(), p.position)
	if rejection, ok := errors.AsType[*record.Rejection](err); ok {
		return p.reject(rec, rejection)
	}
	if err != nil {
		return &status.Halt{Code: status.ExitRequirement, Reason: "the outbox table does not fit the configuration", Detail: err.Error()}
	}
	return p.publish(ctx, rec)
}

// stampNow says that every record has the time of publishing.
func (p *publisher) stampNow(yes bool) {
	if yes {
		p.expiry = nil
	}
}

// publish queues a record, unless its topic would not keep it.
func (p *publisher) publish(ctx context.Context, rec *record.Record) error {
	if p.expiry != nil {
		if err := p.expiry.record(ctx, rec.Topic, time.UnixMilli(rec.Timestamp)); err != nil {
			return err
		}
	}
	if len(p.mark) > 0 {
		rec.Headers = append(slices.Clip(rec.Headers), p.mark...)
	}
	p.events++
	p.producer.Add(rec, p.events, p.position)
	return nil
}

// reject applies delivery.on_reject to a row that can never become a record.
func (p *publisher) reject(rec *record.Record, r *record.Rejection) error {
	dead, err := p.letters.Reject(p.policy, rec, r, p.position, time.Now())
	switch {
	case err != nil:
		return p.rejected(r.ID, r.Topic, err.Error())
	case dead == nil:
		p.skipped++
	default:
		p.dead++
		p.events++
		p.producer.AddDeadLetter(dead, p.events, p.position)
	}
	return nil
}

func (p *publisher) rejected(id, topic, text string) error {
	return &status.Halt{
		Code: status.ExitHalted, Reason: "a record was rejected, and nothing was changed of the slot",
		Detail: fmt.Sprintf("event %s, topic %q: %s", id, topic, text),
		Hint:   "fix what the message names, then run " + p.command + " again" + wiring.RejectHint(p.policy),
	}
}

func (p *publisher) halted() error {
	if h := p.producer.Halted(); h != nil && h.Hint != "" {
		return &status.Halt{
			Code: status.ExitHalted, Reason: "Kafka does not accept what walpost sends, and nothing was changed of the slot",
			Detail: fmt.Sprintf("topic %q: %s", h.Topic, h.Text), Hint: h.Hint + "; then run " + p.command + " again",
		}
	} else if h != nil {
		return p.rejected(h.ID, h.Topic, h.Text)
	}
	return nil
}

// await waits until there may be something new of the producer.
func (p *publisher) await(ctx context.Context) error {
	if err := p.halted(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.wake:
	case <-p.tick.C:
	}
	return nil
}

// figures brings the result up to date with what Kafka refused.
func (p *publisher) figures() {
	p.result.DeadLetters, p.result.Skipped, p.result.Acknowledged = p.dead, p.skipped, int64(p.producer.Watermark()-1)
	switch p.policy {
	case record.RejectSkip:
		p.result.Skipped += p.counts.rejected.Load()
	case record.RejectDeadLetter:
		p.result.DeadLetters += p.counts.rejected.Load()
	case record.RejectStop:
	}
}
