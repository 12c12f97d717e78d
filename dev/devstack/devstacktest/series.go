package devstacktest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// Series returns the counters and gauges of a registry, a line for each: name, values of labels, value.
func Series(t testing.TB, registry prometheus.Gatherer) string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, family := range families {
		for _, m := range family.GetMetric() {
			b.WriteString(family.GetName())
			for _, l := range m.GetLabel() {
				b.WriteString(" " + l.GetValue())
			}
			_, _ = fmt.Fprintln(&b, "", m.GetCounter().GetValue()+m.GetGauge().GetValue())
		}
	}
	return b.String()
}
