package admin

import (
	"context"
	"sync"
	"time"

	"github.com/walpost/walpost/internal/status"
)

const (
	historyEvery = 10 * time.Second
	historyKept  = int(time.Hour / historyEvery)
)

// History remembers, in memory, the last hour of each relay for the plots of the
// page: who wants more has Prometheus.
type History struct {
	relays []Relay

	mu     sync.Mutex
	traces map[string]*trace
}

// trace is a relay's last hour: one number of each for each moment, oldest first.
type trace struct {
	Seconds []int64   `json:"seconds"` // Unix time
	Lag     []float64 `json:"lag"`     // lag_seconds
	Rate    []float64 `json:"rate"`    // records acknowledged per second since the moment before

	published uint64
	at        time.Time
}

// NewHistory remembers nothing until Run.
func NewHistory(relays []Relay) *History {
	return &History{relays: relays, traces: map[string]*trace{}}
}

// Run takes samples until ctx ends.
func (h *History) Run(ctx context.Context) {
	tick := time.NewTicker(historyEvery)
	defer tick.Stop()
	for {
		h.sample(time.Now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (h *History) sample(now time.Time) {
	for _, r := range h.relays {
		rep := r.Report()
		h.mu.Lock()
		t := h.traces[rep.Relay]
		if t == nil {
			t = &trace{}
			h.traces[rep.Relay] = t
		}
		t.add(now, &rep)
		h.mu.Unlock()
	}
}

func (t *trace) add(now time.Time, rep *status.Report) {
	var published uint64
	for _, topic := range rep.Topics {
		published += topic.Published
	}
	var lag, rate float64
	if rep.LagSeconds != nil {
		lag = *rep.LagSeconds
	}
	if passed := now.Sub(t.at).Seconds(); !t.at.IsZero() && passed > 0 {
		rate = float64(published-t.published) / passed
	}
	t.published, t.at = published, now
	t.Seconds = keep(append(t.Seconds, now.Unix()))
	t.Lag = keep(append(t.Lag, round(lag)))
	t.Rate = keep(append(t.Rate, round(rate)))
}

// keep cuts what is older than an hour.
func keep[T any](values []T) []T {
	if over := len(values) - historyKept; over > 0 {
		return append(values[:0], values[over:]...)
	}
	return values
}

// round keeps the answer small.
func round(v float64) float64 { return float64(int64(v*100)) / 100 }

// snapshot is the answer of /history: a trace for each relay, by name.
func (h *History) snapshot() map[string]trace {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[string]trace{}
	for name, t := range h.traces {
		all[name] = trace{
			Seconds: append([]int64{}, t.Seconds...), Lag: append([]float64{}, t.Lag...), Rate: append([]float64{}, t.Rate...),
		}
	}
	return all
}
