package main

import (
	"context"
	"os"
	"time"
)

// drainRecvlogical reads a copy of the backlog's slot with pg_recvlogical and throws it away.
func (b *bench) drainRecvlogical(ctx context.Context, l backlog, repetition int) (drain, error) {
	d := drain{Shape: l.name, Reader: readerRecvlogical, Repetition: repetition, Rows: l.rows}
	slot, err := b.copySlot(ctx, l.slot)
	if err != nil {
		return d, err
	}
	m := b.newMeter()
	c, err := startChild(ctx, b.logFile(slot), b.recvlogical, "--dbname", b.site.postgres, "--slot", slot, "--start", "--no-loop",
		"--endpos", l.end, "--file", os.DevNull, "--option", "proto_version=1", "--option", "publication_names="+publication)
	if err != nil {
		return d, err
	}
	defer c.kill()
	m.reader = gaugeFromBirth(c.pid())
	w, err := b.awaitWalsender(ctx, slot, c)
	if err != nil {
		return d, err
	}
	m.streaming(w)
	m.readUntil(c.done)
	end := time.Now()
	if c.err != nil {
		return d, c.failure("failed")
	}
	m.reader.cpu = c.cmd.ProcessState.UserTime() + c.cmd.ProcessState.SystemTime()
	d.fill(m, end.Sub(w.started))
	return d, b.dropSlot(ctx, slot)
}

// readUntil reads the meter again and again.
func (m *meter) readUntil(done <-chan struct{}) {
	ticker := time.NewTicker(sampleEvery / endFactor)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			m.read()
		}
	}
}
