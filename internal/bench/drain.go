package main

import (
	"context"
	"errors"
	"time"
)

// The two readers of a backlog.
const (
	readerRecvlogical = "pg_recvlogical"
	readerWalpost     = "walpost"
)

const (
	sampleEvery = 10 * time.Millisecond // of CPU, memory and end offsets
	stalled     = time.Minute           // without a new record a drain is given up
)

// drainAll fills and drains every shape.
func (b *bench) drainAll(ctx context.Context, r *report) error {
	for _, s := range b.shapes {
		l, err := b.fillBacklog(ctx, s)
		if err != nil {
			return err
		}
		for i := range b.repetitions {
			if err := b.drainPair(ctx, r, l, i+1); err != nil {
				return err
			}
		}
		if err := b.dropSlot(ctx, l.slot); err != nil {
			return err
		}
	}
	return nil
}

// drainPair is one repetition: pg_recvlogical, then walpost.
func (b *bench) drainPair(ctx context.Context, r *report, l backlog, repetition int) error {
	base, err := b.drainRecvlogical(ctx, l, repetition)
	if err != nil {
		return err
	}
	r.Drains = append(r.Drains, base)
	b.say("%s", &base)
	d, err := b.drainWalpost(ctx, l, repetition)
	if err != nil {
		return err
	}
	if d.Void == "" {
		d.Ratio = d.EventsPerSecond / base.EventsPerSecond
	}
	r.Drains = append(r.Drains, d)
	b.say("%s", &d)
	return nil
}

// drainWalpost relays a copy of the backlog's slot into a new topic. The figure is void unless the topic then holds
// exactly the backlog and the slot is confirmed to its end.
func (b *bench) drainWalpost(ctx context.Context, l backlog, repetition int) (drain, error) {
	d := drain{Shape: l.shape.name, Reader: readerWalpost, Repetition: repetition, Rows: l.rows}
	topic, err := b.createTopic(ctx, "drain")
	if err != nil {
		return d, err
	}
	slot, err := b.copySlot(ctx, l.slot)
	if err != nil {
		return d, err
	}
	if err := b.relayBacklog(ctx, &d, slot, topic); err != nil {
		return d, err
	}
	if d.Void == "" {
		if err := b.inspectDrain(ctx, &d, l, slot, topic); err != nil {
			return d, err
		}
	}
	if err := b.dropSlot(ctx, slot); err != nil {
		return d, err
	}
	return d, b.kafka.DeleteTopic(topic)
}

// relayBacklog runs walpost until all rows are visible, takes the figures and stops it.
func (b *bench) relayBacklog(ctx context.Context, d *drain, slot, topic string) error {
	m := b.newMeter()
	c, err := b.startWalpost(ctx, slot, topic)
	if err != nil {
		return err
	}
	defer c.kill()
	m.reader = gaugeFromBirth(c.pid())
	w, err := b.awaitWalsender(ctx, slot, c)
	if err != nil {
		return err
	}
	m.walsender = gaugeFromBirth(w.pid)
	seen, moved := int64(0), time.Now()
	var unanswered error
	err = poll(ctx, sampleEvery, func() (bool, error) {
		var n int64
		if n, unanswered = b.endOffsets(topic); n > seen {
			seen, moved = n, time.Now()
		}
		m.read()
		return n >= d.Rows || time.Since(moved) > stalled || c.ended() != nil, nil
	})
	if err = errors.Join(err, unanswered); err != nil {
		return err
	}
	d.fill(m, moved.Sub(w.started))
	if seen < d.Rows {
		if err := c.ended(); err != nil {
			d.voided("%d of %d events in Kafka, then %v", seen, d.Rows, err)
			return nil
		}
		d.voided("%d of %d events in Kafka, no more for %s", seen, d.Rows, time.Since(moved).Round(time.Second))
		return nil
	}
	if err := c.stop(); err != nil {
		d.voided("%v", err)
	}
	return nil
}

// inspectDrain judges what is in Kafka and Postgres after walpost has ended; the ids once per shape.
func (b *bench) inspectDrain(ctx context.Context, d *drain, l backlog, slot, topic string) error {
	n, err := b.endOffsets(topic)
	if err != nil {
		return err
	}
	confirmed, err := b.confirmed(ctx, slot, l.end)
	if err != nil {
		return err
	}
	switch {
	case n != l.rows:
		d.voided("%d records in Kafka for %d events", n, l.rows)
		return nil
	case !confirmed:
		d.voided("the slot was not confirmed to the backlog's end when walpost stopped")
		return nil
	case d.Repetition > 1:
		return nil
	}
	d.IDsChecked = true
	b.say("  reading what is in Kafka, to check the ids")
	wrong, err := b.checkIDs(ctx, l, topic)
	if err != nil {
		return err
	}
	if wrong != "" {
		d.voided("%s", wrong)
	}
	return nil
}
