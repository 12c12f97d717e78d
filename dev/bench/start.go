package main

import (
	"context"
	"fmt"
	"time"
)

// startAll measures how long a row that waits needs to a consumer that waits, once the process is started.
func (b *bench) startAll(ctx context.Context, r *report) error {
	s, err := b.newScene(ctx, "start")
	if err != nil {
		return err
	}
	defer s.consumer.close()
	b.say("start, %d times", b.starts)
	result := &startup{}
	m := b.newMeter()
	for range b.starts {
		took, err := b.start(ctx, s, m)
		if err != nil {
			return err
		}
		result.Millis = append(result.Millis, float64(took.Microseconds())/1e3)
	}
	result.Median = middle(result.Millis)
	result.ForeignCores = m.foreign()
	r.Start = result
	return b.dropSlot(ctx, s.slot)
}

// start commits a row, starts walpost, waits for the row and stops walpost. Its CPU time is none of the foreign load.
func (b *bench) start(ctx context.Context, s scene, m *meter) (time.Duration, error) {
	n := b.claim(1)
	if _, err := b.conn.Exec(ctx, insertEvent, n); err != nil {
		return 0, err
	}
	if err := b.awaitFree(ctx, s.slot); err != nil {
		return 0, err
	}
	began := time.Now()
	c, err := b.startWalpost(ctx, b.walpost, s.slot, s.to)
	if err != nil {
		return 0, err
	}
	defer c.kill()
	arrived, err := collect(ctx, s.consumer, n, 1)
	if err != nil {
		return 0, fmt.Errorf("%w; %w", err, c.failure("was started"))
	}
	if err := c.stop(); err != nil {
		return 0, err
	}
	m.read()
	m.reader.cpu += c.cmd.ProcessState.UserTime() + c.cmd.ProcessState.SystemTime()
	return arrived[eventID(n)].Sub(began), nil
}
