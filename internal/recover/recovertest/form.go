package recovertest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// Forms are keys of records in forms other than plain text, by a name for each. They are for
// the table that Widen makes.
func Forms() map[string]configtest.Keys {
	columns := []any{"type", map[string]any{"created": "at"}, "n", "b", "f", "d", "tags", "ok", "span", "state"}
	list := func(names ...any) []any { return names }
	return map[string]configtest.Keys{
		"json_schema": Formats().With(configtest.Keys{
			"outbox.format.headers": "json_schema", "outbox.format.envelope": columns, "outbox.format.schema_version": "version",
			"outbox.headers": map[string]any{"kind": "type", "amount": "n", "data": "b", "day": "d", "state": "state"},
		}),
		"json, expanded": {
			"outbox.format.key": "json", "outbox.format.value": "json", "outbox.format.expand_json": true,
			"outbox.format.null_behavior": "optional_bytes", "outbox.format.empty_array_behavior": "optional_string",
			"outbox.format.tombstone_on_empty": true,
		},
		"json of blanks, keys of several columns": {
			"outbox.key": list("aggregateid", "type", "d"), "outbox.value": "raw", "outbox.format.value": "json",
			"outbox.format.tombstone_on_empty": true,
		},
		"bytes as hex, envelope": {
			"outbox.value": "b", "outbox.format.value": "json", "outbox.format.binary": "hex", "outbox.format.envelope": columns,
			"outbox.missing_columns": "ignore", "outbox.headers": map[string]any{"kind": "type", "none": "nowhere"},
		},
		"key and headers of a JSON object": {
			"outbox.key": map[string]any{"json": "members", "member": "PARTITION_ID"},
			"outbox.headers": map[string]any{
				"eventType": "type", "content-type": map[string]any{"constant": "application/json"},
				"*": map[string]any{"json": "members"},
			},
		},
		"CloudEvents in a topic of a regex": {
			"outbox.cloudevents": true, "outbox.topic": "{aggregatetype}", "outbox.topic_regex": "(?<kind>.*)",
			"outbox.topic_replacement": relaytest.Prefix,
			"outbox.headers":           map[string]any{"ce_type": "aggregatetype", "eventType": "state"},
		},
	}
}

// Widen adds columns of many types to the outbox.
const Widen = `ALTER TABLE outbox ADD n numeric(12,3), ADD b bytea, ADD f float8, ADD d date, ADD tags text[],
	ADD ok boolean NOT NULL DEFAULT true, ADD span interval, ADD state text DEFAULT 'new', ADD raw json, ADD members jsonb,
	ADD version int NOT NULL DEFAULT 1`

// FillWide inserts WideRows events of all types into the table that Widen makes: NULLs, blanks, and texts that TOAST keeps
// apart among them.
const FillWide = `INSERT INTO outbox (aggregatetype, aggregateid, type, payload, n, b, f, d, tags, ok, span, state, raw, members, version)
	SELECT 'order', CASE WHEN n % 5 > 0 THEN 'k' || n END, CASE WHEN n % 7 > 0 THEN 'é"' || n END,
		('{"n": 1e2, "a": [{"b": null, "c": "ü"}], "e": [], "long": "' || repeat(md5(n::text), n * 20) || '"}')::jsonb,
		CASE WHEN n % 3 > 0 THEN n * -1.125 END, CASE WHEN n % 4 > 0 THEN decode(md5(n::text), 'hex') ELSE '' END,
		CASE WHEN n % 6 > 0 THEN 1e10 / n END, date '2026-01-01' + n, CASE WHEN n % 2 > 0 THEN ARRAY['a,b', NULL, 'q"' || n] END,
		n % 2 > 0, n * interval '1 day 2 hours', CASE WHEN n % 9 > 0 THEN 's' || n END,
		CASE WHEN n % 8 > 0 THEN ' { "b" : 1.00 , "a" : ' || n || ' } ' END::json,
		CASE WHEN n % 10 > 0 THEN jsonb_build_object('PARTITION_ID', 'p' || n, 'tenant', 't' || n % 3) END, n % 3
	FROM generate_series(1, 100) n`

// WideRows is how many events FillWide inserts.
const WideRows = 100

// Reinsert deletes the rows of the outbox and inserts them again, as they were.
func (f *Fixture) Reinsert(t testing.TB) {
	t.Helper()
	f.Exec(t, "CREATE TEMPORARY TABLE kept AS TABLE outbox", "DELETE FROM outbox", "INSERT INTO outbox TABLE kept", "DROP TABLE kept")
}

// Written returns what a reader of the records sees, and how often: partition where a key chooses it, time, key, value, and
// the headers that are not about the writing.
func Written(records []*sarama.ConsumerMessage) map[string]int {
	seen := map[string]int{}
	for _, rec := range records {
		var line strings.Builder
		if rec.Key != nil {
			fmt.Fprintf(&line, "%d ", rec.Partition)
		}
		fmt.Fprintf(&line, "%v key %q %v value %q %v", rec.Timestamp.UTC(), rec.Key, rec.Key == nil, rec.Value, rec.Value == nil)
		for _, h := range rec.Headers {
			if !strings.HasPrefix(string(h.Key), "walpost-") {
				fmt.Fprintf(&line, " %s=%q %v", h.Key, h.Value, h.Value == nil)
			}
		}
		seen[line.String()]++
	}
	return seen
}

// WantWritten compares what Written returns.
func WantWritten(t testing.TB, got, want map[string]int) {
	t.Helper()
	shown := 0
	all := maps.Clone(got)
	maps.Copy(all, want)
	for _, line := range slices.Sorted(maps.Keys(all)) {
		if got[line] == want[line] {
			continue
		}
		if shown++; shown <= 4 {
			t.Errorf("%d times instead of %d: %.700s", got[line], want[line], line)
		}
	}
	if shown > 4 {
		t.Errorf("and %d more", shown-4)
	}
}
