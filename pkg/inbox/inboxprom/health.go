package inboxprom

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/walpost/walpost/pkg/inbox"
)

// Source is an *inbox.Consumer or a *projection.Projection.
type Source interface{ Health() inbox.Health }

// Watch registers the metrics of a consumer's or projection's Health. name is the value of
// their label consumer; each consumer and projection of a process needs its own.
func (m *Metrics) Watch(name string, consumer Source) error {
	describe := func(metric, help string) *prometheus.Desc {
		return prometheus.NewDesc("walpost_inbox_"+metric, help, []string{"topic", "partition", "rebuild"},
			prometheus.Labels{"consumer": name})
	}
	err := m.registerer.Register(&health{
		consumer: consumer,
		lag:      describe("lag", "Records behind the end of the partition."),
		waiting:  describe("waiting", "Records read and not done."),
		stalled:  describe("stalled_seconds", "Time since the last progress, while records wait."),
	})
	if err != nil {
		return fmt.Errorf("inboxprom: watch %q: %w", name, err)
	}
	return nil
}

// health collects a consumer's Health when it is asked for.
type health struct {
	consumer              Source
	lag, waiting, stalled *prometheus.Desc
}

func (h *health) Describe(into chan<- *prometheus.Desc) {
	into <- h.lag
	into <- h.waiting
	into <- h.stalled
}

func (h *health) Collect(into chan<- prometheus.Metric) {
	for _, p := range h.consumer.Health().Partitions {
		rebuild := ""
		if p.Rebuild {
			rebuild = "true"
		}
		gauge := func(desc *prometheus.Desc, value float64) {
			into <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, p.Topic, strconv.Itoa(int(p.Partition)), rebuild)
		}
		stalled := 0.0
		if p.Waiting > 0 {
			stalled = time.Since(p.LastProgress).Seconds()
		}
		if p.Next >= 0 {
			gauge(h.lag, float64(max(p.End-p.Next, 0)))
		}
		gauge(h.waiting, float64(p.Waiting))
		gauge(h.stalled, stalled)
	}
}
