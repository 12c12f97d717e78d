package cli

import (
	"os"
	"runtime/debug"

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
