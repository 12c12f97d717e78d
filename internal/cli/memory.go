package cli

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/walpost/walpost/internal/config"
)

// memoryBase is what a process needs beside the records in flight: the runtime,
// buffers, a request being encoded.
const memoryBase = 12 << 20

// limitMemory sets Go's soft memory limit from delivery.in_flight. Half of what is
// allocated under load is requests that sarama encodes and drops; without a limit
// the collector lets that garbage grow to the size of the live heap. GOMEMLIMIT in
// the environment goes before.
func limitMemory(cfgs []*config.Config) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	limit := int64(memoryBase)
	for _, c := range cfgs {
		limit += int64(c.Delivery.InFlight) * 3 / 2
	}
	debug.SetMemoryLimit(limit)
}

// started is when a process has done what it does once.
const started = 5 * time.Second

// freeStart gives back, once, what the start has needed: reading files and flags,
// handshakes, looking at the server. With a small heap the collector would let that
// garbage lie for as long as the relay is idle.
func freeStart(ctx context.Context) {
	timer := time.NewTimer(started)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
		debug.FreeOSMemory()
	}
}
