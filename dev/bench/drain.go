package main

import (
	"context"
	"errors"
	"time"

	"github.com/walpost/walpost/dev/devstack"
)

const (
	sampleEvery = 50 * time.Millisecond // of CPU, memory and end offsets; at the end more often
	stalled     = time.Minute           // without a new record a drain is given up
)

// drainAll fills and drains every shape.
func (b *bench) drainAll(ctx context.Context, r *report) error {
	for _, s := range b.shapes {
		drains, err := b.drainCase(ctx, benchCase{workload: usual(s.name, b.rows, s.perTx)})
		r.Drains = append(r.Drains, drains...)
		if err != nil {
			return err
		}
	}
	return nil
}

// drainOnce is one repetition: pg_recvlogical, then the relays in turn.
func (b *bench) drainOnce(ctx context.Context, l backlog, relays []candidate, repetition int) ([]drain, error) {
	if err := b.awaitQuiet(ctx); err != nil {
		return nil, err
	}
	base, err := b.drainRecvlogical(ctx, l, repetition)
	if err != nil {
		return nil, err
	}
	b.say("  %s, %s", b.caseLabel(l.name), &base)
	all := []drain{base}
	for _, relay := range relays {
		d, err := b.drainRelay(ctx, relay, l, repetition)
		if err != nil {
			return all, err
		}
		if d.Void == "" {
			d.Ratio = d.EventsPerSecond / base.EventsPerSecond
		}
		all = append(all, d)
		b.say("  %s, %s", b.caseLabel(l.name), &d)
	}
	return all, nil
}

// drainRelay relays a copy of the backlog's slot into new topics. The figure is void unless they then hold exactly the
// backlog, and the slot is confirmed to its end where the relay promises that.
func (b *bench) drainRelay(ctx context.Context, relay candidate, l backlog, repetition int) (drain, error) {
	d := drain{Shape: l.name, Reader: relay.name, Repetition: repetition, Rows: l.rows}
	to, err := b.createRoute(ctx, "drain", l.workload)
	if err != nil {
		return d, err
	}
	if err := b.openRoute(ctx, &to); err != nil {
		return d, err
	}
	slot, err := b.copySlot(ctx, l.slot)
	if err != nil {
		return d, err
	}
	if err := b.awaitQuiet(ctx); err != nil {
		return d, err
	}
	if err := b.relayBacklog(ctx, relay, &d, slot, to); err != nil {
		return d, err
	}
	if d.Void == "" {
		if err := b.inspectDrain(ctx, relay, &d, l, slot, to); err != nil {
			return d, err
		}
	}
	if err := b.dropSlot(ctx, slot); err != nil {
		return d, err
	}
	return d, b.deleteRoute(ctx, to)
}

// relayBacklog runs a relay until all rows are visible, takes the figures and stops it.
func (b *bench) relayBacklog(ctx context.Context, relay candidate, d *drain, slot string, to route) error {
	m := b.newMeter()
	c, err := relay.start(ctx, slot, to)
	if err != nil {
		return err
	}
	defer c.kill()
	m.reader = gaugeFromBirth(c.pid())
	w, err := b.awaitWalsender(ctx, slot, c)
	if err != nil {
		return err
	}
	m.streaming(w)
	p := &progress{rows: d.Rows, moved: time.Now(), every: samples(to)}
	if relay.transactional {
		p.quiet = markersAfter
	}
	if err := b.watch(ctx, p, m, c, to); err != nil {
		return err
	}
	d.fill(m, p.moved.Sub(w.started))
	d.SecondHalf = p.secondHalf()
	if p.seen < d.Rows {
		if err := c.ended(); err != nil {
			d.voided("%d of %d events in Kafka, then %v", p.seen, d.Rows, err)
			return nil
		}
		d.voided("%d of %d events in Kafka, no more for %s", p.seen, d.Rows, time.Since(p.moved).Round(time.Second))
		return nil
	}
	if err := c.stop(); err != nil {
		d.voided("%v", err)
	}
	return nil
}

// watch looks at a route and at the meter until all rows are there, none comes any more, or the relay has ended.
func (b *bench) watch(ctx context.Context, p *progress, m *meter, c *child, to route) error {
	var unanswered error
	err := devstack.Poll(ctx, p.every/endFactor, func() (bool, error) {
		if !p.due() {
			return false, nil
		}
		var n int64
		if n, unanswered = b.endOffsets(to); unanswered == nil {
			p.saw(n)
		}
		m.read()
		return n >= p.rows && time.Since(p.moved) >= p.quiet || time.Since(p.moved) > stalled || c.ended() != nil, nil
	})
	return errors.Join(err, unanswered)
}

// samples is how often end offsets are asked for. It is as rare as it can be: a hundred a second doubled what single-row
// transactions cost the broker. Of many partitions the answer costs more.
func samples(to route) time.Duration {
	const many = 100
	if int(to.partitions)*len(to.topics) > many {
		return 5 * sampleEvery
	}
	return sampleEvery
}

// endFactor is how much more often a drain is looked at in its last tenth, whose end is the figure.
const endFactor = 5

// progress is how a drain goes.
type progress struct {
	rows, seen, atHalf int64
	moved, half        time.Time // when the last record and the one in the middle were there
	every              time.Duration
	looked             time.Time
	quiet              time.Duration // without a new record, after which all are there
}

// markersAfter is how long nothing may come before a drain with transactions has ended: markers count as records, so the
// last ones are not known by their number. It is not part of the figure.
const markersAfter = 500 * time.Millisecond

// due reports whether the topics are to be looked at again, and notes the time if so.
func (p *progress) due() bool {
	now := time.Now()
	if p.seen < p.rows-p.rows/10 && now.Sub(p.looked) < p.every {
		return false
	}
	p.looked = now
	return true
}

func (p *progress) saw(n int64) {
	if n <= p.seen {
		return
	}
	p.seen, p.moved = n, time.Now()
	if p.half.IsZero() && n >= p.rows/2 {
		p.atHalf, p.half = n, p.moved
	}
}

// secondHalf is the rate after the middle, when a JVM has had some time to warm up; 0: too short to tell.
func (p *progress) secondHalf() float64 {
	took := p.moved.Sub(p.half)
	if took < 10*sampleEvery {
		return 0
	}
	return float64(p.seen-p.atHalf) / took.Seconds()
}

// inspectDrain checks what is in Kafka and Postgres after a relay has ended.
func (b *bench) inspectDrain(ctx context.Context, relay candidate, d *drain, l backlog, slot string, to route) error {
	n, err := b.endOffsets(to)
	if err != nil {
		return err
	}
	confirmed, err := b.confirmed(ctx, slot, l.end)
	if err != nil {
		return err
	}
	switch {
	case n != l.rows && !relay.transactional:
		d.voided("%d records in Kafka for %d events", n, l.rows)
		return nil
	case relay.confirms && !confirmed:
		d.voided("the slot was not confirmed to the backlog's end when %s stopped", relay.name)
		return nil
	}
	wrong, err := b.compare(ctx, l, relay, to)
	if err != nil {
		return err
	}
	if wrong != "" {
		d.voided("%s", wrong)
	}
	d.Compared = "count, ids, order"
	return nil
}
