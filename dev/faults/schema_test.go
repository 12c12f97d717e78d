package faults_test

import (
	"testing"

	"github.com/walpost/walpost/dev/oracle"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// change is one way to alter the table under a relay.
type change struct {
	sql, insert string // the change, and a row as it is written after it
	says        string // what the halt names
	mend        func(h *harness)
}

// changes are those that the relay cannot follow by itself.
func changes() map[string]change {
	return map[string]change{
		"column dropped": {
			"ALTER TABLE outbox DROP COLUMN type",
			`INSERT INTO outbox (aggregatetype, aggregateid, payload) VALUES ('order', 'k', '{"n": 2}')`, `"type"`,
			func(h *harness) { h.Config.Outbox.Headers = nil },
		},
		"column renamed": {
			"ALTER TABLE outbox RENAME payload TO body",
			`INSERT INTO outbox (aggregatetype, aggregateid, type, body) VALUES ('order', 'k', 't', '{"n": 2}')`, "payload",
			func(h *harness) { h.Config.Outbox.Value = "body" },
		},
	}
}

// A column that goes or is renamed while the relay runs: it halts at the first row it
// cannot read, with everything before it delivered and confirmed; a file that fits
// goes on from there.
func TestRow50_TableAlteredWhileRunning(t *testing.T) {
	t.Parallel()
	for name, c := range changes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, nil)
			h.Start(t)
			h.sample(t)
			h.Exec(t, relaytest.Insert("k", 1), c.sql, c.insert)
			h.altered(t, c)
		})
	}
}

// The same while no relay runs: old rows drain with the old file first.
func TestRow50_TableAlteredWhileDown(t *testing.T) {
	t.Parallel()
	for name, c := range changes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, nil)
			h.Start(t)
			h.Stop(t)
			h.Released(t)
			h.sample(t)
			h.Exec(t, relaytest.Insert("k", 1), c.sql, c.insert)
			h.Launch(t)
			h.altered(t, c)
		})
	}
}

// altered waits for the halt, looks at what is there, mends the file and goes on.
func (h *harness) altered(t *testing.T, c change) {
	t.Helper()
	h.Halts(t, status.ExitHalted, c.says, "everything before this row is in Kafka and confirmed")
	h.Released(t)
	committed := []oracle.Event{}
	rows, err := h.DB.Conn.Query(t.Context(), "SELECT id::text FROM outbox ORDER BY xmin::text::bigint")
	if err != nil {
		t.Fatal(err)
	}
	for n := int64(1); rows.Next(); n++ {
		e := oracle.Event{Key: "k", Number: n}
		if err := rows.Scan(&e.ID); err != nil {
			t.Fatal(err)
		}
		committed = append(committed, e)
	}
	if r := relaytest.Compare(t, committed[:1], h.Kafka, h.Topic); r.Records != 1 || !r.Kept() {
		t.Errorf("before the halt: %v", r)
	}
	c.mend(h)
	h.Start(t)
	h.Confirmed(t)
	if r := h.compare(t, committed); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
	h.Stop(t)
}

// A column that the relay does not need, or one whose text is the same under another
// type: it goes on.
func TestRow50_HarmlessChanges(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.Start(t)
	h.sample(t)
	h.Exec(t, relaytest.Insert("k", 1), "ALTER TABLE outbox ADD COLUMN note text DEFAULT 'x'", relaytest.Insert("k", 2),
		"ALTER TABLE outbox DROP COLUMN note", relaytest.Insert("k", 3), "ALTER TABLE outbox ALTER aggregateid TYPE varchar(100)",
		relaytest.Insert("k", 4))
	h.Confirmed(t)
	h.exactlyOnce(t)
	h.Stop(t)
}

// Rows that are gone before the relay reads them are in the WAL all the same.
func TestRow52_UnreadRowsDeleted(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"deleted": "DELETE FROM outbox", "truncated": "TRUNCATE outbox",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newHarness(t, nil).losesUnread(t, sql)
		})
	}
}

// losesUnread removes rows while no relay runs: the next one publishes them.
func (h *harness) losesUnread(t *testing.T, sql string) {
	t.Helper()
	h.Start(t)
	h.Stop(t)
	h.Released(t)
	h.Exec(t, inserts(1, 100))
	committed, err := oracle.Committed(t.Context(), h.DB.Conn, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	h.Exec(t, sql)
	h.Start(t)
	h.Confirmed(t)
	if r := h.compare(t, committed); r.Records != 100 {
		t.Errorf("%v", r)
	}
	h.Stop(t)
}

// A partition that is dropped with its unread rows.
func TestRow52_PartitionDropped(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.Exec(t, "DROP TABLE outbox",
		`CREATE TABLE outbox (id uuid DEFAULT gen_random_uuid(), aggregatetype text NOT NULL, aggregateid text, type text, payload `+
			`jsonb, day int DEFAULT 1) PARTITION BY LIST (day)`,
		"CREATE TABLE outbox_1 PARTITION OF outbox FOR VALUES IN (1)", "CREATE TABLE outbox_2 PARTITION OF outbox FOR VALUES IN (2)")
	h.losesUnread(t, "DROP TABLE outbox_1")
}
