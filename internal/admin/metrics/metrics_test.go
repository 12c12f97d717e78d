package metrics_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/admin/metrics"
	"github.com/walpost/walpost/internal/producer/answer"
	"github.com/walpost/walpost/internal/status"
)

type source status.Report

func (s source) Report() status.Report { return status.Report(s) }

// scrape returns the lines of /metrics that are walpost's.
func scrape(t *testing.T, r *metrics.Registry) []string {
	t.Helper()
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var lines []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "walpost_") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func want(t *testing.T, lines []string, texts ...string) {
	t.Helper()
	all := "\n" + strings.Join(lines, "\n") + "\n"
	for _, text := range texts {
		if !strings.Contains(all, "\n"+text+"\n") {
			t.Errorf("no line %s in%s", text, all)
		}
	}
}

func TestFamiliesAreThereFromTheStart(t *testing.T) {
	t.Parallel()
	r := metrics.New()
	r.Observer("orders")
	r.Watch("orders", source{State: status.Standby, InFlight: &status.InFlight{Events: 3, Bytes: 4096}})
	lines := scrape(t, r)
	for _, class := range answer.Classes() {
		want(t, lines, fmt.Sprintf(`walpost_produce_errors_total{class=%q,relay="orders"} 0`, class))
	}
	for _, state := range status.States() {
		value := 0
		if state == status.Standby {
			value = 1
		}
		want(t, lines, fmt.Sprintf(`walpost_state{relay="orders",state=%q} %d`, state, value))
	}
	want(t, lines,
		`walpost_changes_ignored_total{op="truncate",relay="orders"} 0`,
		`walpost_reconnects_total{peer="kafka",relay="orders"} 0`,
		`walpost_reconnects_total{peer="postgres",relay="orders"} 0`,
		`walpost_possible_repeats_total{relay="orders"} 0`,
		`walpost_kafka_request_seconds_count{relay="orders"} 0`,
		`walpost_commit_to_ack_seconds_count{relay="orders"} 0`,
		`walpost_condition{condition="halted",relay="orders",severity="critical"} 0`,
		`walpost_lag_seconds{relay="orders"} NaN`,
		`walpost_kafka_transaction_open_seconds{relay="orders"} 0`,
		`walpost_kafka_transactions_total{outcome="committed",relay="orders"} 0`,
		`walpost_kafka_transactions_total{outcome="aborted",relay="orders"} 0`,
		`walpost_slot_retained_bytes{relay="orders"} NaN`,
		`walpost_slot_safe_wal_bytes{relay="orders"} NaN`,
		`walpost_slot_lag_bytes{relay="orders"} NaN`,
		`walpost_slot_wal_status{relay="orders",status="lost"} 0`,
		`walpost_in_flight_events{relay="orders"} 3`,
		`walpost_in_flight_bytes{relay="orders"} 4096`)
}

func TestEachRelayCountsForItself(t *testing.T) {
	t.Parallel()
	r := metrics.New()
	a, b := r.Observer("a"), r.Observer("b")
	b.Published("t", 1, 10)
	a.Published("t", 2, 30)
	a.Published("t", 3, 40)
	a.Rejected("no topic/", "invalid_topic")
	a.Rejected("t", "too_large")
	a.DeadLettered("t.DLT")
	a.ProduceError("denied")
	a.PossibleRepeats(7)
	a.Request(3 * time.Millisecond)
	a.Reconnected()
	a.ChangeIgnored("update")
	a.PostgresConnected()
	a.PostgresConnected()
	want(t, scrape(t, r),
		`walpost_events_published_total{relay="a",topic="t"} 5`,
		`walpost_bytes_published_total{relay="a",topic="t"} 70`,
		`walpost_events_published_total{relay="b",topic="t"} 1`,
		`walpost_events_rejected_total{reason="invalid_topic",relay="a",topic="other"} 1`,
		`walpost_events_rejected_total{reason="too_large",relay="a",topic="t"} 1`,
		`walpost_dead_letters_total{relay="a",topic="t.DLT"} 1`,
		`walpost_produce_errors_total{class="denied",relay="a"} 1`,
		`walpost_possible_repeats_total{relay="a"} 7`,
		`walpost_kafka_request_seconds_bucket{relay="a",le="0.005"} 1`,
		`walpost_reconnects_total{peer="kafka",relay="a"} 1`,
		`walpost_reconnects_total{peer="postgres",relay="a"} 1`,
		`walpost_changes_ignored_total{op="update",relay="a"} 1`)
}

// Topics come from a column: whatever it holds, the series stay few, and nothing
// goes uncounted.
func TestTopicsAreBounded(t *testing.T) {
	t.Parallel()
	r := metrics.New()
	o := r.Observer("a")
	const topics = 3000
	for i := range topics {
		name := fmt.Sprintf("t%d", i)
		o.Published(name, 1, 1)
		o.Rejected(name+"\xff", "invalid_topic")
	}
	sum, series := 0, 0
	lines := scrape(t, r)
	for _, line := range lines {
		if strings.HasPrefix(line, "walpost_events_published_total") {
			var n int
			if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &n); err != nil {
				t.Fatal(err)
			}
			sum += n
			series++
		}
	}
	if sum != topics || series != 1001 {
		t.Errorf("%d events in %d series, want %d in 1001", sum, series, topics)
	}
	want(t, lines, `walpost_events_rejected_total{reason="invalid_topic",relay="a",topic="other"} 3000`)
}

func TestNoAllocationInTheSteadyState(t *testing.T) {
	o := metrics.New().Observer("a")
	calls := map[string]func(){
		"Published":       func() { o.Published("topic", 100, 25000) },
		"Rejected":        func() { o.Rejected("topic", "too_large") },
		"DeadLettered":    func() { o.DeadLettered("topic.DLT") },
		"ProduceError":    func() { o.ProduceError("refused") },
		"PossibleRepeats": func() { o.PossibleRepeats(1) },
		"Request":         func() { o.Request(time.Millisecond) },
		"Reconnected":     o.Reconnected,
		"ChangeIgnored":   func() { o.ChangeIgnored("update") },
	}
	for name, call := range calls {
		call()
		if n := testing.AllocsPerRun(100, call); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkPublished(b *testing.B) {
	o := metrics.New().Observer("a")
	b.ReportAllocs()
	for b.Loop() {
		o.Published("outbox.event.order", 100, 25000)
	}
}
