//go:build faults

package faults_test

import (
	"runtime"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// 200 lost connections leave no goroutine and no memory behind.
func TestRow69_ReconnectsLeaveNothing(t *testing.T) {
	b, proxy := proxied(t, nil)
	b.start(t)
	b.sample(t)
	n := 0
	again := func(times int) {
		for range times {
			before := b.seen.connects.Load()
			n++
			b.exec(t, relaytest.Insert("k", n))
			proxy.Cut()
			b.until(t, "a new connection", func() bool { return b.seen.connects.Load() > before })
		}
		b.confirmed(t)
	}
	again(20)
	goroutines, heap := runtime.NumGoroutine(), heapInUse()
	again(200)
	const slack = 10 // connections of Kafka, the proxy and the sampler come and go
	b.until(t, "the goroutines of lost connections to end", func() bool { return runtime.NumGoroutine() <= goroutines+slack })
	if grown := int64(heapInUse()) - int64(heap); grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	b.exactlyOnce(t)
	b.end(t)
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
