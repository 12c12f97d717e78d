package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// settle is how long a relay runs, or a series goes on, before it counts.
const settle = 2 * time.Second

// warmRate is the rate of the series that does not count, in events a second.
const warmRate = 500

// latencyAll measures walpost.
func (b *bench) latencyAll(ctx context.Context, r *report) error {
	if err := b.warmLatency(ctx); err != nil {
		return err
	}
	series, err := b.latencyOf(ctx, b.walpostItself(), b.rates)
	r.Latency = append(r.Latency, series...)
	return err
}

// warmLatency runs a series that does not count: the broker compiles its way of a small request, which a drain hardly
// uses, after some thousands of them.
func (b *bench) warmLatency(ctx context.Context) error {
	b.say("one series that does not count")
	_, err := b.latencyOf(ctx, b.walpostItself(), []int{warmRate})
	return err
}

// latencyOf measures one series after the other through one relay.
func (b *bench) latencyOf(ctx context.Context, relay candidate, rates []int) (all []latency, err error) {
	s, err := b.newScene(ctx, "latency")
	if err != nil {
		return nil, err
	}
	defer s.consumer.close()
	c, err := relay.start(ctx, s.slot, s.to)
	if err != nil {
		return nil, err
	}
	defer c.kill()
	if _, err := b.awaitWalsender(ctx, s.slot, c); err != nil {
		return nil, err
	}
	for _, rate := range rates {
		b.say("latency of %s at %d events/s", relay.name, rate)
		l, err := b.series(ctx, c, s.consumer, rate)
		if err != nil {
			return all, err
		}
		l.Reader = relay.name
		all = append(all, l)
	}
	if err := c.stop(); err != nil {
		return all, err
	}
	return all, b.dropSlot(ctx, s.slot)
}

// scene is a topic with a consumer and an empty slot.
type scene struct {
	slot     string
	to       route
	consumer consumer
}

func (b *bench) newScene(ctx context.Context, name string) (scene, error) {
	to, err := b.createRoute(ctx, name, usual(name, 0, 1))
	if err != nil {
		return scene{}, err
	}
	slot, err := b.createSlot(ctx, name)
	if err != nil {
		return scene{}, err
	}
	c, err := b.newConsumer(to)
	return scene{slot: slot, to: to, consumer: c}, err
}

// series commits events at a rate and matches them with what a consumer gets. The first ones, settle long, do not count.
func (b *bench) series(ctx context.Context, relay *child, from consumer, rate int) (latency, error) {
	l := latency{PerSecond: rate}
	skipped := int(settle.Seconds() * float64(rate))
	events := skipped + max(1, int(b.latencyFor.Seconds()*float64(rate)))
	first := b.claim(int64(events))
	m := b.newMeter()
	m.reader = gaugeFromNow(relay.pid())

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var committed []time.Time
	var writer sync.WaitGroup
	writer.Go(func() {
		var err error
		if committed, err = b.commitAt(ctx, rate, first, events); err != nil {
			cancel(err) // which ends the consumer
		}
	})
	arrived, err := collect(ctx, from, first, events)
	if err != nil {
		cancel(err)
	}
	writer.Wait()
	if errors.Is(err, errNothing) {
		l.Void = fmt.Sprintf("%d of %d events arrived", len(arrived), events)
		return l, nil
	}
	if err != nil {
		return l, err
	}
	m.read()
	l.ForeignCores = m.foreign()
	l.ReaderMicros = perEvent(m.reader.used(), int64(events))
	l.BrokerMicros = perEvent(m.brokersUsed(), int64(events))
	l.Achieved = float64(events-1) / committed[events-1].Sub(committed[0]).Seconds()
	l.summarise(committed[skipped:], arrived, first+int64(skipped))
	return l, nil
}

// commitAt commits events one by one at a rate, catching up when one was late, and returns when each COMMIT returned.
func (b *bench) commitAt(ctx context.Context, rate int, first int64, events int) ([]time.Time, error) {
	began := time.Now()
	committed := make([]time.Time, 0, events)
	for n := first; n < first+int64(events); n++ {
		if _, err := b.conn.Exec(ctx, insertEvent, n); err != nil {
			return nil, err
		}
		committed = append(committed, time.Now())
		due := began.Add(time.Duration(len(committed)) * time.Second / time.Duration(rate))
		if err := pause(ctx, time.Until(due)); err != nil {
			return nil, err
		}
	}
	return committed, nil
}

// collect waits for all events and says when each arrived. One that repeats counts as it came first.
func collect(ctx context.Context, from consumer, first int64, events int) (map[string]time.Time, error) {
	const patience = 30 * time.Second
	wanted := make(map[string]bool, events)
	for n := first; n < first+int64(events); n++ {
		wanted[eventID(n)] = true
	}
	arrived := make(map[string]time.Time, events)
	for len(arrived) < events {
		err := from.pollWithin(ctx, patience, func(a arrival) {
			if _, known := arrived[a.id]; !known && wanted[a.id] {
				arrived[a.id] = a.at
			}
		})
		if err != nil {
			return arrived, err
		}
	}
	return arrived, nil
}

// summarise takes the percentiles of the events from number first on.
func (l *latency) summarise(committed []time.Time, arrived map[string]time.Time, first int64) {
	millis := make([]float64, 0, len(committed))
	for i, at := range committed {
		millis = append(millis, float64(arrived[eventID(first+int64(i))].Sub(at).Nanoseconds())/1e6)
	}
	slices.Sort(millis)
	l.Events = len(millis)
	l.P50, l.P90, l.P99, l.Max = percentile(millis, 0.5), percentile(millis, 0.9), percentile(millis, 0.99), millis[len(millis)-1]
}
