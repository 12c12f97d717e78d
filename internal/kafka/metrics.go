package kafka

import "github.com/rcrowley/go-metrics"

// silent is a registry for sarama's own metrics that measures nothing. walpost
// has its own, and sarama's cost a goroutine that never ends and a histogram
// sample for each request. Through Config.MetricRegistry it concerns our
// connections only, where metrics.UseNilMetrics would concern the process.
type silent struct{}

var _ metrics.Registry = silent{}

// GetOrRegister returns the metric that does nothing, of the kind that would have
// been made.
func (silent) GetOrRegister(_ string, metric any) any {
	switch metric.(type) {
	case func() metrics.Meter, metrics.Meter:
		return metrics.NilMeter{}
	case func() metrics.Histogram, metrics.Histogram:
		return metrics.NilHistogram{}
	case func() metrics.Counter, metrics.Counter:
		return metrics.NilCounter{}
	default:
		return metric
	}
}

func (silent) Each(func(string, any))            {}
func (silent) Get(string) any                    { return nil }
func (silent) GetAll() map[string]map[string]any { return nil }
func (silent) Register(string, any) error        { return nil }
func (silent) RunHealthchecks()                  {}
func (silent) Unregister(string)                 {}
func (silent) UnregisterAll()                    {}
