package relay_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// filtered are the options of a relay whose events are of the kind external.
func filtered(more keys) relaytest.Options {
	return relaytest.Options{
		DDL:  relaytest.OutboxDDL + "; ALTER TABLE outbox ADD kind text",
		Keys: keys{"outbox.filter": keys{"kind": []string{"external"}}}.With(more),
	}
}

// kinds inserts rows of these kinds in one transaction, numbered.
func (h *harness) kinds(t *testing.T, kinds ...string) {
	t.Helper()
	rows := make([]string, len(kinds))
	for i, kind := range kinds {
		rows[i] = fmt.Sprintf(`('order', 'k', 'Created', '{"n": %d}', nullif('%s', 'NULL'))`, i, kind)
	}
	h.Exec(t, "INSERT INTO outbox (aggregatetype, aggregateid, type, payload, kind) VALUES "+strings.Join(rows, ", "))
}

// Rows that the filter leaves out are counted and confirmed, and nothing else comes of them:
// not even a halt where they could be no record.
func TestFilterPublishesEventsAlone(t *testing.T) {
	t.Parallel()
	h := newHarness(t, filtered(keys{"outbox.position_header": "at"}))
	h.Start(t)
	h.kinds(t, "internal", "external", "NULL", "External", "external", "external ")
	h.Exec(t, "INSERT INTO outbox (aggregatetype, aggregateid, kind) VALUES ('no/topic', 'k', 'internal')")
	h.kinds(t, "internal")
	h.Confirmed(t)
	if published, ignored := h.Seen.Records.Load(), h.Seen.Ignored.Load(); published != 2 || ignored != 6 {
		t.Errorf("%d published, %d counted as ignored", published, ignored)
	}
	got := []string{}
	for _, r := range h.consume(t, h.Topic, 2) {
		_, ordinal, _ := strings.Cut(header(r, "at"), "/")
		got = append(got, string(r.Value)+" "+ordinal)
	}
	if want := []string{`{"n": 1} 00000002`, `{"n": 4} 00000005`}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	h.Stop(t)
}

// An outbox of rows that are no events holds no WAL back, and what is between them comes once.
func TestFilterUnderExactlyOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, filtered(exactlyOnce()))
	for round := range 3 {
		h.Start(t)
		h.kinds(t, "internal", "external", "internal")
		h.kinds(t, "internal", "NULL")
		h.Confirmed(t)
		if round == 1 {
			h.Cancel()
			_ = h.Wait(t)
			continue
		}
		h.Stop(t)
	}
	h.Exec(t, "DELETE FROM outbox WHERE kind IS DISTINCT FROM 'external'")
	if r := once(t, h); r.Committed != 3 {
		t.Errorf("%v", r)
	}
}

// Rows that are no events are nobody's to delete.
func TestFilterKeepsRowsFromPruning(t *testing.T) {
	t.Parallel()
	h := newHarness(t, filtered(prunes))
	h.Start(t)
	h.kinds(t, "internal", "external", "NULL", "external")
	h.Until(t, "the events to be deleted", func() bool { return h.Seen.Deleted.Load() == 2 })
	h.kinds(t, "external")
	h.Until(t, "another round", func() bool { return h.Seen.Deleted.Load() == 3 })
	if left := h.texts(t, "SELECT coalesce(kind, 'NULL') FROM outbox ORDER BY 1"); !slices.Equal(left, []string{"NULL", "internal"}) {
		t.Errorf("%q are left", left)
	}
	h.Stop(t)
}

// Without its columns nobody knows which rows are events.
func TestFilterWantsItsColumns(t *testing.T) {
	t.Parallel()
	h := newHarness(t, filtered(nil))
	h.Start(t)
	h.Exec(t, "ALTER TABLE outbox RENAME kind TO sort", relaytest.Insert("k", 1))
	halt, halted := errors.AsType[*status.Halt](h.Wait(t))
	if !halted || !strings.Contains(halt.Detail, `column "kind" (outbox.filter) is not there`) {
		t.Errorf("%+v", halt)
	}
	h.Exec(t, "ALTER TABLE outbox ADD kind int")
	h.Launch(t)
	halt, halted = errors.AsType[*status.Halt](h.Wait(t))
	if !halted || !strings.Contains(halt.Detail, `column "kind" (outbox.filter)`) {
		t.Errorf("%+v", halt)
	}
}
