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
	reader, walsender, self gauge
	brokers                 []gauge

	before time.Duration // the reader's CPU time until its stream began: its start
	began  time.Time
	busy   time.Duration
}

// newMeter begins before the reader, pg_recvlogical or a relay, is started.
func (b *bench) newMeter() *meter {
	m := &meter{self: gaugeFromNow(os.Getpid()), began: time.Now(), busy: machineBusy()}
	for _, broker := range b.kafka.Brokers() {
		m.brokers = append(m.brokers, gaugeFromNow(broker.PID()))
	}
	return m
}

// streaming notes that the reader's walsender has started.
func (m *meter) streaming(w walsender) {
	m.walsender = gaugeFromBirth(w.pid)
	m.reader.read()
	m.before = m.reader.used()
}

func (m *meter) read() {
	for _, g := range m.gauges() {
		g.read()
	}
}

// gauges are those of all processes.
func (m *meter) gauges() []*gauge {
	all := []*gauge{&m.reader, &m.walsender, &m.self}
	for i := range m.brokers {
		all = append(all, &m.brokers[i])
	}
	return all
}

// brokersUsed is the CPU time of all brokers.
func (m *meter) brokersUsed() (sum time.Duration) {
	for i := range m.brokers {
		sum += m.brokers[i].used()
	}
	return sum
}

// foreign returns how many cores other processes used since the meter began, as far as
// the last read tells.
func (m *meter) foreign() float64 {
	busy := machineBusy() - m.busy
	for _, g := range m.gauges() {
		busy -= g.used()
	}
	return max(0, busy.Seconds()/time.Since(m.began).Seconds())
}

// perEvent is a CPU time in microseconds per event.
func perEvent(cpu time.Duration, events int64) float64 {
	return float64(cpu.Nanoseconds()) / 1e3 / float64(events)
}
