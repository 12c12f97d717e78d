package main

import (
	"context"
	"time"

	"github.com/walpost/walpost/dev/devstack"
)

// awaitQuiet waits until the brokers have little to do. They make and delete the logs of many partitions, and compile,
// for a while after they have answered, which would slow what is measured next.
func (b *bench) awaitQuiet(ctx context.Context) error {
	const (
		window   = 500 * time.Millisecond
		share    = 10               // a broker that uses a tenth of a core has nothing to do
		patience = 15 * time.Second // then it is the machine that is like that
	)
	quiet := time.Duration(len(b.kafka.Brokers())) * window / share
	for began := time.Now(); time.Since(began) < patience; {
		before := b.brokersCPU()
		if err := devstack.Sleep(ctx, window); err != nil {
			return err
		}
		if b.brokersCPU()-before <= quiet {
			return nil
		}
	}
	b.say("the brokers are still busy after %s", patience)
	return nil
}

// brokersCPU is the CPU time of all brokers since they were started.
func (b *bench) brokersCPU() (sum time.Duration) {
	for _, broker := range b.kafka.Brokers() {
		cpu, _ := cpuTime(broker.PID())
		sum += cpu
	}
	return sum
}
