package recovery_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/recovery"
	"github.com/walpost/walpost/internal/status"
)

const longID = "00000000-0000-4000-8000-000000000124"

// Rows of 100 MB in the table cost recover, replay and audit no more memory than
// small ones: they are not sent. It is not parallel, for it counts what is allocated.
func TestRow124_LongRowsInTheTable(t *testing.T) { //nolint:paralleltest // see above
	f := newFixture(t, "delivery: {on_reject: skip}", "outbox: {topic: TOPIC, position_header: walpost-position}")
	f.db.Exec(t, fill("k", 1, 10), "ALTER TABLE outbox ALTER payload SET STORAGE EXTERNAL")
	f.db.Exec(t, fmt.Sprintf(`INSERT INTO outbox (id, aggregatetype, aggregateid, payload) VALUES ('%s', 'order', 'k', to_jsonb(repeat('x', %d)))`, longID, 100<<20))
	f.db.Exec(t, fill("k", 11, 20))
	const most = 40 << 20
	before := allocated()

	r, plan, err := f.replay(t, recovery.ReplayOptions{Rows: recovery.Range{All: true}, ToTopic: f.topic})
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Run(t.Context(), plan, func(recovery.Result) {})
	if err != nil || result.Rows != 21 || result.Skipped != 1 || result.Acknowledged != 20 {
		t.Errorf("replay: %+v, %v", result, err)
	}
	if n := allocated() - before; n > most {
		t.Errorf("replay allocated %d MiB", n>>20)
	}

	before = allocated()
	result = f.recover(t, recovery.Selection{All: true}, false)
	if result.Rows != 21 || result.Skipped != 1 {
		t.Errorf("recover: %+v", result)
	}
	if n := allocated() - before; n > most {
		t.Errorf("recover allocated %d MiB", n>>20)
	}

	f.db.Exec(t, fmt.Sprintf("INSERT INTO outbox (aggregatetype, aggregateid, payload) VALUES ('order', 'k', to_jsonb(repeat('x', %d)))", 100<<20))
	before = allocated()
	report, err := recovery.Audit(t.Context(), recovery.AuditOptions{Config: f.cfg, Examples: 5})
	if err != nil {
		t.Fatal(err)
	}
	if report.Missing != 2 || report.Settled || !strings.Contains(strings.Join(report.Notes, " "), "too large") {
		t.Errorf("audit: %+v", report)
	}
	if n := allocated() - before; n > most {
		t.Errorf("audit allocated %d MiB", n>>20)
	}
}

// A row that is too large is named, and under stop nothing goes on without it.
func TestRow124_LongRowStopsARecovery(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.db.Exec(t, fmt.Sprintf(`INSERT INTO outbox (id, aggregatetype, aggregateid, payload) VALUES ('%s', 'order', 'k', to_jsonb(repeat('x', %d)))`, longID, 5<<20))
	r, plan, err := f.open(t, recovery.Selection{All: true}, false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Run(t.Context(), plan, func(recovery.Stage, recovery.Result) {})
	if status.ExitCode(err) != status.ExitHalted || !strings.Contains(fmt.Sprint(err), longID) || !strings.Contains(fmt.Sprint(err), "kafka.max_message_bytes") {
		t.Errorf("ended with %v", err)
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
