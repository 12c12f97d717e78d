// Package naive is the relay one writes first in Go: pglogrepl in a loop, sarama's AsyncProducer behind it. The benchmark
// measures it beside walpost.
//
// It knows pglogrepl, sarama and the benchmark's outbox table. It must not know walpost: it stands for what people write
// without it. It survives no fault. Its position is the newest transaction with an acknowledged record, so that a crash
// can lose what another partition has not acknowledged yet: that is the usual naive way, and not to be copied.
package naive
