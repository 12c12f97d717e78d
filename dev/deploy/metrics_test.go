package deploy_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/admin/metrics"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
)

// source is a relay that reports what it is given.
type source status.Report

func (s source) Report() status.Report { return status.Report(s) }

// metricNames are the names a query may ask for: the families of a relay to which
// everything has happened once, with the parts of histograms.
func metricNames(t *testing.T) map[string]bool {
	t.Helper()
	r := metrics.New()
	o := r.Observer("a")
	o.Published("t", 1, 1)
	o.Rejected("t", "too_large")
	o.DeadLettered("t.DLT")
	o.Request(time.Millisecond)
	o.CommitToAck(time.Millisecond)
	under, shrinks := 1, uint64(1)
	r.Watch("a", source{
		State: status.Streaming, InFlight: &status.InFlight{}, Slot: &catalog.Slot{},
		Topics:         []status.TopicReport{{Topic: "t", UnderReplicated: &under, ISRShrinks: &shrinks}},
		ConsumerGroups: []status.GroupLag{{Group: "g", Topic: "t"}},
	})
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	names := map[string]bool{}
	for line := range strings.Lines(w.Body.String()) {
		name, kind, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "# TYPE "), " ")
		switch {
		case !ok || !strings.HasPrefix(line, "# TYPE "):
		case kind == "histogram":
			names[name+"_bucket"], names[name+"_sum"], names[name+"_count"] = true, true, true
		default:
			names[name] = true
		}
	}
	return names
}

var walpostMetric = regexp.MustCompile(`\bwalpost_[a-z_]+\b`)

// wantKnownMetrics fails the test for metrics in the text that walpost does not
// have.
func wantKnownMetrics(t *testing.T, names map[string]bool, where, text string) {
	t.Helper()
	for _, name := range walpostMetric.FindAllString(text, -1) {
		if !names[name] {
			t.Errorf("%s: walpost has no metric %s", where, name)
		}
	}
}
