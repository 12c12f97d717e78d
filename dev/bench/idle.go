package main

import (
	"context"
	"time"

	"github.com/walpost/walpost/dev/devstack"
)

// idle measures a relay whose outbox has no writes.
func (b *bench) idle(ctx context.Context, r *report) error {
	to, err := b.createRoute(ctx, "idle", usual("idle", 0, 1))
	if err != nil {
		return err
	}
	slot, err := b.createSlot(ctx, "idle")
	if err != nil {
		return err
	}
	c, err := b.startWalpost(ctx, b.walpost, slot, to)
	if err != nil {
		return err
	}
	defer c.kill()
	if _, err := b.awaitWalsender(ctx, slot, c); err != nil {
		return err
	}
	if r.Idle, err = b.measureIdle(ctx, c); err != nil {
		return err
	}
	if err := c.stop(); err != nil {
		return err
	}
	return b.dropSlot(ctx, slot)
}

// measureIdle takes the figures of a relay with nothing to do.
func (b *bench) measureIdle(ctx context.Context, c *child) (*idling, error) {
	if err := devstack.Sleep(ctx, settle); err != nil {
		return nil, err
	}
	b.say("idle for %s", b.idleFor)
	m := b.newMeter()
	m.reader = gaugeFromNow(c.pid())
	before := switches(c.pid())
	if err := devstack.Sleep(ctx, b.idleFor); err != nil {
		return nil, err
	}
	m.read()
	window := time.Since(m.began)
	return &idling{
		WindowSeconds: window.Seconds(), CPUPerMinute: m.reader.used().Seconds() / window.Minutes(),
		Switches: float64(switches(c.pid())-before) / window.Minutes(),
		RSS:      memory(c.pid(), "VmRSS"), Private: memory(c.pid(), "RssAnon"), ForeignCores: m.foreign(),
	}, nil
}
