package daemon

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/walpost/walpost/internal/config"
)

// baseMemory is what a process needs besides the records in flight: the runtime,
// buffers, a request being encoded.
const baseMemory = 12 << 20

// limitMemory sets Go's soft memory limit from delivery.in_flight. Half of what is
// allocated under load is requests that sarama encodes and drops; without a limit
// the collector lets that garbage grow to the size of the live heap. GOMEMLIMIT in
// the environment takes precedence.
func limitMemory(cfgs []*config.Config) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	limit := int64(baseMemory)
	for _, c := range cfgs {
		limit += int64(c.Delivery.InFlight) * 3 / 2
	}
	debug.SetMemoryLimit(limit)
}

// startupGrace is how long the work of starting may take: reading files and flags,
// handshakes, inspecting the servers.
const startupGrace = 5 * time.Second

// releaseStartupMemory returns the garbage of starting to the operating system, once.
// With a small heap the collector would keep it for as long as the relay is idle.
func releaseStartupMemory(ctx context.Context) {
	timer := time.NewTimer(startupGrace)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
		debug.FreeOSMemory()
	}
}
