package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/walpost/walpost/dev/devstack"
)

// settle is how long a relay runs, or a series goes on, before it counts.
const settle = 2 * time.Second

// The series that does not count.
const (
	warmRate = 1_000 // events a second
	warmFor  = 30 * time.Second
)

// latencyAll measures walpost, and what it is compared with.
func (b *bench) latencyAll(ctx context.Context, r *report) error {
	if err := b.warmLatency(ctx); err != nil {
		return err
	}
	var err error
	relays := b.walposts()
	if b.withExactlyOnce {
		relays = append(relays, b.exactlyOnce())
	}
	r.Latency, err = b.latencyInTurn(ctx, relays, b.rates)
	return err
}

// warmLatency runs a series that does not count: the broker compiles its way of a small request, which a drain hardly
// uses, after some tens of thousands of them, and until then whoever is measured first has the slowest of them.
func (b *bench) warmLatency(ctx context.Context) error {
	for _, relay := range b.own() {
		b.say("one series of %s that does not count", relay.name)
		if _, err := b.latencyOf(ctx, relay, []int{warmRate}, warmFor); err != nil {
			return err
		}
	}
	return nil
}

// latencyInTurn measures the relays in turn, each repetition beginning with another one, and pools the series of each:
// a p99 of one short series is ten events, and whatever else the machine did then.
func (b *bench) latencyInTurn(ctx context.Context, relays []candidate, rates []int) ([]latency, error) {
	series := make([][]latency, len(relays)*len(rates)) // relay by relay, rate by rate
	for repetition := range b.repetitions {
		for turn := range relays {
			n := (repetition + turn) % len(relays)
			measured, err := b.latencyOf(ctx, relays[n], rates, b.latencyFor)
			if err != nil {
				return nil, err
			}
			for i, l := range measured {
				series[n*len(rates)+i] = append(series[n*len(rates)+i], l)
			}
		}
	}
	pooled := make([]latency, 0, len(series))
	for _, runs := range series {
		pooled = append(pooled, pool(runs))
	}
	return pooled, nil
}

// latencyOf measures one series after the other through one relay.
func (b *bench) latencyOf(ctx context.Context, relay candidate, rates []int, length time.Duration) (all []latency, err error) {
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
		l, err := b.series(ctx, c, s.consumer, rate, length)
		if err != nil {
			return nil, err
		}
		l.Reader = relay.name
		all = append(all, l)
	}
	if err := c.stop(); err != nil {
		return nil, err
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
func (b *bench) series(ctx context.Context, relay *child, from consumer, rate int, length time.Duration) (latency, error) {
	l := latency{PerSecond: rate, Runs: 1}
	skipped := int(settle.Seconds() * float64(rate))
	events := skipped + max(1, int(length.Seconds()*float64(rate)))
	first := b.claim(int64(events))
	m := b.newMeter()
	m.reader = gaugeFromNow(relay.pid())

	committed, arrived, err := b.commitAndCollect(ctx, from, rate, first, events)
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

// commitAndCollect commits events at a rate while it collects them, and returns when each was committed and when it arrived.
func (b *bench) commitAndCollect(ctx context.Context, from consumer, rate int, first int64, events int) (
	committed []time.Time, arrived map[string]time.Time, err error,
) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var writer sync.WaitGroup
	writer.Go(func() {
		var err error
		if committed, err = b.commitAt(ctx, rate, first, events); err != nil {
			cancel(err) // which ends the consumer
		}
	})
	if arrived, err = collect(ctx, from, first, events); err != nil {
		cancel(err)
	}
	writer.Wait()
	return committed, arrived, err
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
		if err := devstack.Sleep(ctx, time.Until(due)); err != nil {
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
	for i, at := range committed {
		l.millis = append(l.millis, float64(arrived[eventID(first+int64(i))].Sub(at).Nanoseconds())/1e6)
	}
	l.rank()
}

// rank takes the percentiles of all events.
func (l *latency) rank() {
	slices.Sort(l.millis)
	l.Events = len(l.millis)
	l.P50, l.P90, l.P99 = percentile(l.millis, 0.5), percentile(l.millis, 0.9), percentile(l.millis, 0.99)
	l.Max = percentile(l.millis, 1)
}

// pool is one series of all events of several equal ones: percentiles over all of them, means of the rates and CPU, the
// largest foreign load. It is void when one of them is.
func pool(runs []latency) latency {
	all := latency{Reader: runs[0].Reader, PerSecond: runs[0].PerSecond, Runs: len(runs)}
	share := 1 / float64(len(runs))
	for _, l := range runs {
		if l.Void != "" {
			all.Void = l.Void
			return all
		}
		all.millis = append(all.millis, l.millis...)
		all.Achieved += l.Achieved * share
		all.ReaderMicros += l.ReaderMicros * share
		all.BrokerMicros += l.BrokerMicros * share
		all.ForeignCores = max(all.ForeignCores, l.ForeignCores)
	}
	all.rank()
	return all
}
