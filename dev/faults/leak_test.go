//go:build faults

package faults_test

import (
	"runtime"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// 200 lost connections leave no goroutine and no memory behind.
func TestRow69_ReconnectsLeaveNothing(t *testing.T) {
	h, proxy := proxied(t, nil)
	h.Start(t)
	h.sample(t)
	n := 0
	again := func(times int) {
		for range times {
			before := h.Seen.Connects.Load()
			n++
			h.Exec(t, relaytest.Insert("k", n))
			proxy.Cut()
			h.Until(t, "a new connection", func() bool { return h.Seen.Connects.Load() > before })
		}
		h.Confirmed(t)
	}
	again(20)
	goroutines, heap := runtime.NumGoroutine(), heapInUse()
	again(200)
	const slack = 10 // connections of Kafka, the proxy and the sampler come and go
	h.Until(t, "the goroutines of lost connections to end", func() bool { return runtime.NumGoroutine() <= goroutines+slack })
	if grown := int64(heapInUse()) - int64(heap); grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	h.exactlyOnce(t)
	h.Stop(t)
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
