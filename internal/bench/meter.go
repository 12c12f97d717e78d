package main

import (
	"os"
	"time"
)

// gauge follows one process. It keeps the last values when the process is gone.
type gauge struct {
	pid  int
	from time.Duration
	cpu  time.Duration
	peak int64 // largest resident size so far, bytes
}

// gaugeFromBirth counts all CPU time of a process.
func gaugeFromBirth(pid int) gauge {
	g := gauge{pid: pid}
	g.read()
	return g
}

// gaugeFromNow counts the CPU time from now on.
func gaugeFromNow(pid int) gauge {
	g := gaugeFromBirth(pid)
	g.from = g.cpu
	return g
}

func (g *gauge) read() {
	if g.pid == 0 {
		return
	}
	if cpu, ok := cpuTime(g.pid); ok {
		g.cpu = cpu
	}
	g.peak = max(g.peak, memory(g.pid, "VmHWM"))
}

func (g *gauge) used() time.Duration { return g.cpu - g.from }

// meter follows the processes of one measurement and what else the machine did meanwhile.
type meter struct {
	reader, walsender, broker, self gauge

	began time.Time
	busy  time.Duration
}

// newMeter begins before the reader, which is pg_recvlogical or walpost, is started.
func (b *bench) newMeter() *meter {
	return &meter{
		broker: gaugeFromNow(b.broker()), self: gaugeFromNow(os.Getpid()), began: time.Now(), busy: machineBusy(),
	}
}

func (m *meter) read() {
	for _, g := range []*gauge{&m.reader, &m.walsender, &m.broker, &m.self} {
		g.read()
	}
}

// foreign is how many cores other processes used since the meter began, as far as the last read tells.
func (m *meter) foreign() float64 {
	busy := machineBusy() - m.busy
	for _, g := range []*gauge{&m.reader, &m.walsender, &m.broker, &m.self} {
		busy -= g.used()
	}
	return max(0, busy.Seconds()/time.Since(m.began).Seconds())
}

// perEvent is a CPU time in microseconds per event.
func perEvent(cpu time.Duration, events int64) float64 {
	return float64(cpu.Nanoseconds()) / 1e3 / float64(events)
}
