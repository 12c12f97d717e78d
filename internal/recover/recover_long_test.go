package recover_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/audit"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/republish"
	"github.com/walpost/walpost/internal/status"
)

const longID = "00000000-0000-4000-8000-000000000124"

// insertLong inserts an event with an id, which is SQL, and a payload of that size.
func insertLong(id string, size int) string {
	return fmt.Sprintf(`INSERT INTO outbox (id, aggregatetype, aggregateid, payload)
		VALUES (%s, 'order', 'k', to_jsonb(repeat('x', %d)))`, id, size)
}

// Rows of 100 MB in the table cost recover, replay and audit no more memory than
// small ones: they are not sent. It is not parallel, for it counts what is allocated.
func TestRow124_LongRowsInTheTable(t *testing.T) { //nolint:paralleltest // see above
	f := recovertest.New(t, &stack, configtest.Keys{"delivery.on_reject": "skip", "outbox.timestamp": nil})
	f.Exec(t, recovertest.Fill("k", 1, 10), "ALTER TABLE outbox ALTER payload SET STORAGE EXTERNAL")
	f.Exec(t, insertLong("'"+longID+"'", 100<<20))
	f.Exec(t, recovertest.Fill("k", 11, 20))
	const maxBytes = 40 << 20
	before := recovertest.Allocated()

	r, plan := openReplay(t, f, f.Topic)
	result, err := r.Run(t.Context(), plan, func(republish.Result) {})
	if err != nil || result.Rows != 21 || result.Skipped != 1 || result.Acknowledged != 20 {
		t.Errorf("replay: %+v, %v", result, err)
	}
	if n := recovertest.Allocated() - before; n > maxBytes {
		t.Errorf("replay allocated %d MiB", n>>20)
	}

	before = recovertest.Allocated()
	if result := f.Recover(t, recover.Selection{All: true}, false); result.Rows != 21 || result.Skipped != 1 {
		t.Errorf("recover: %+v", result)
	}
	if n := recovertest.Allocated() - before; n > maxBytes {
		t.Errorf("recover allocated %d MiB", n>>20)
	}

	f.Exec(t, insertLong("gen_random_uuid()", 100<<20))
	before = recovertest.Allocated()
	report, err := audit.Run(t.Context(), audit.Options{Config: f.Config, Examples: 5})
	if err != nil {
		t.Fatal(err)
	}
	if report.Missing != 2 || report.Settled || !strings.Contains(strings.Join(report.Notes, " "), "too large") {
		t.Errorf("audit: %+v", report)
	}
	if n := recovertest.Allocated() - before; n > maxBytes {
		t.Errorf("audit allocated %d MiB", n>>20)
	}
}

// A row that is too large is named, and under stop nothing goes on without it.
func TestRow124_LongRowStopsARecovery(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	f.Exec(t, insertLong("'"+longID+"'", 5<<20))
	r, plan, err := f.Open(t, recover.Selection{All: true}, false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Run(t.Context(), plan, func(recover.Stage, recover.Result) {})
	recovertest.WantHalt(t, err, status.ExitHalted, longID, "kafka.max_message_bytes")
}
