package faults_test

import (
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// A column that gets another type: the text of a value follows the type that the
// Relation message before its row names, so that rows from before and after are each
// right, whether the relay runs meanwhile or not. The table is written anew by it, and
// nothing of that is published.
func TestRow50_TypeChanged(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]bool{"while running": false, "while down": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, nil)
			h.Start(t)
			if down {
				h.Stop(t)
				h.Released(t)
			}
			h.Exec(t, relaytest.Insert("k", 1), "ALTER TABLE outbox ALTER type TYPE boolean USING true",
				`INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('order', 'k', true, '{"n": 2}')`)
			if down {
				h.Start(t)
			}
			h.Confirmed(t)
			h.exactlyOnce(t)
			h.Stop(t)
			if got := h.headers(t, "eventType"); len(got) != 2 || got[0] != "Created" || got[1] != "true" {
				t.Errorf("the header says %q, want the text of each row's own type", got)
			}
		})
	}
}

// A type that cannot serve, for a column that says the partition: the relay halts at
// the first row that has it, with everything before it delivered.
func TestRow50_TypeThatCannotServe(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]bool{"while running": false, "while down": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, nil)
			h.Exec(t, "ALTER TABLE outbox ADD part int DEFAULT 1")
			h.Config.Outbox.Partition = "part"
			h.Start(t)
			if down {
				h.Stop(t)
				h.Released(t)
			}
			h.Exec(t, relaytest.Insert("k", 1), "ALTER TABLE outbox ALTER part TYPE text", relaytest.Insert("other", 2))
			if down {
				h.Launch(t)
			}
			h.Halts(t, status.ExitHalted, "outbox.partition", "has type text", "everything before this row is in Kafka and confirmed")
			if got := h.headers(t, "eventType"); len(got) != 1 {
				t.Errorf("%d records, want the one before the change", len(got))
			}
			h.Released(t)
			h.Config.Outbox.Partition = "" // by key, which moves keys: each has one event here
			h.Start(t)
			h.Confirmed(t)
			if r := h.judge(t); r.Repeats != 0 {
				t.Errorf("%v", r)
			}
			h.Stop(t)
		})
	}
}

// A table that is renamed, dropped, made anew or swapped while no relay runs: the next
// start finds what the catalogues still show, and refuses: with 3 where there is no
// table of that name.
func TestRow51_TableChangedWhileDown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sql  []string
		code int
		says string
	}{
		"renamed":   {[]string{"ALTER TABLE outbox RENAME TO old"}, status.ExitRequirement, "public.outbox does not exist"},
		"dropped":   {[]string{"DROP TABLE outbox"}, status.ExitRequirement, "public.outbox does not exist"},
		"made anew": {[]string{"DROP TABLE outbox", relaytest.OutboxDDL}, status.ExitHalted, "not in publication"},
		"swapped":   {[]string{"ALTER TABLE outbox RENAME TO old", outboxTwin}, status.ExitHalted, "not in publication"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, nil)
			h.Start(t)
			h.Exec(t, relaytest.Insert("k", 1))
			h.Confirmed(t)
			h.Stop(t)
			h.Released(t)
			h.Exec(t, tc.sql...)
			h.Launch(t)
			h.Halts(t, tc.code, tc.says)
		})
	}
}

// outboxTwin is another table under the name of one that was renamed: so are two swapped.
const outboxTwin = "CREATE TABLE outbox (LIKE old INCLUDING ALL)"

// headers are the values of one header, in the order of the topic's partitions.
func (h *harness) headers(t *testing.T, name string) []string {
	t.Helper()
	records, err := h.Kafka.Records(t.Context(), h.Topic)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, r := range records {
		for _, h := range r.Headers {
			if string(h.Key) == name {
				values = append(values, string(h.Value))
			}
		}
	}
	return values
}
