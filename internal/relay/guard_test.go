package relay_test

import (
	"errors"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/assemble"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// What makes Postgres skip rows in silence is noticed, and halts with 4. Each
// statement is one way to do it.
func TestRow47to51_WhatSkipsRowsHalts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ sql, says string }{
		"publication dropped": {"DROP PUBLICATION p", "was dropped"},
		"publication made again": {
			"DROP PUBLICATION p; CREATE PUBLICATION p FOR TABLE outbox WITH (publish = 'insert')", "created again",
		},
		"table taken out":          {"ALTER PUBLICATION p DROP TABLE outbox", "no longer in publication"},
		"table put back":           {"ALTER PUBLICATION p DROP TABLE outbox; ALTER PUBLICATION p ADD TABLE outbox", "put back"},
		"row filter":               {"ALTER PUBLICATION p SET TABLE outbox WHERE (aggregatetype <> 'x')", "row filter"},
		"column list":              {"ALTER PUBLICATION p SET TABLE outbox (id, aggregatetype, aggregateid, payload)", "column list"},
		"inserts not published":    {"ALTER PUBLICATION p SET (publish = 'update')", "no longer publishes inserts"},
		"table renamed":            {"ALTER TABLE outbox RENAME TO old", "dropped or renamed"},
		"table dropped, made anew": {"DROP TABLE outbox; " + relaytest.OutboxDDL, "another one"},
		"a table inherits":         {"CREATE TABLE outbox_2026 () INHERITS (outbox)", "outbox_2026 inherits from public.outbox"},
		"tables swapped":           {"ALTER TABLE outbox RENAME TO old; ALTER TABLE twin RENAME TO outbox", "another one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, relaytest.Options{})
			h.Exec(t, "CREATE TABLE twin (LIKE outbox INCLUDING ALL)")
			h.Start(t)
			h.Exec(t, relaytest.Insert("k", 1))
			h.Confirmed(t)
			h.Until(t, "the guard's first look", h.Guarded)
			pub := h.Config.Postgres.Publication
			h.Exec(t, strings.Split(strings.ReplaceAll(strings.ReplaceAll(tc.sql, "PUBLICATION p", "PUBLICATION "+pub), "  ", " "),
				"; ")...)
			err := h.Wait(t)
			halt, ok := errors.AsType[*status.Halt](err)
			if !ok || halt.Code != status.ExitHalted || !strings.Contains(halt.Detail, tc.says) || halt.Hint == "" {
				t.Errorf("ended with %+v, want a halt that says %q", err, tc.says)
			}
		})
	}
}

// What becomes of a partition, so that its rows are not in the stream any more though
// a query of the outbox shows them, halts with 4.
func TestRow78_PartitionOutsideOfTheStreamHalts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ sql, says string }{
		"set unlogged": {"ALTER TABLE outbox_0 SET UNLOGGED", "outbox_0 of public.outbox is unlogged"},
		"unlogged":     {"CREATE UNLOGGED TABLE outbox_1 PARTITION OF outbox FOR VALUES IN ('x')", "outbox_1 of public.outbox is unlogged"},
		"foreign": {
			"CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE outbox_1 PARTITION OF outbox " +
				"FOR VALUES IN ('x') SERVER s",
			"outbox_1 of public.outbox is a foreign table",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, relaytest.Options{DDL: partitionedDDL})
			h.Start(t)
			h.Exec(t, relaytest.Insert("k", 1))
			h.Confirmed(t)
			h.Until(t, "the guard's first look", h.Guarded)
			h.Exec(t, strings.Split(tc.sql, "; ")...)
			err := h.Wait(t)
			halt, ok := errors.AsType[*status.Halt](err)
			if !ok || halt.Code != status.ExitHalted || !strings.Contains(halt.Detail, tc.says) || halt.Hint == "" {
				t.Errorf("ended with %+v, want a halt that says %q", err, tc.says)
			}
			again, err := assemble.Relay(h.Config, h.Seen, zap.NewNop())
			if err != nil {
				t.Fatal(err)
			}
			halt, ok = errors.AsType[*status.Halt](again.Run(t.Context(), nil))
			if !ok || halt.Code != status.ExitRequirement || !strings.Contains(halt.Detail, tc.says) {
				t.Errorf("the next start ended with %+v, want 3", halt)
			}
		})
	}
}

// partitionedDDL is an outbox with one partition, for all but one aggregate.
const partitionedDDL = `CREATE TABLE outbox (
		id uuid NOT NULL DEFAULT gen_random_uuid(), aggregatetype text NOT NULL, aggregateid text, type text, payload jsonb
	) PARTITION BY LIST (aggregateid);
	CREATE TABLE outbox_0 PARTITION OF outbox DEFAULT`

// A publication of all tables lets its tables be set unlogged.
func TestRow78_TableSetUnloggedHalts(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{})
	h.Exec(t, "CREATE PUBLICATION "+h.Config.Postgres.Publication+" FOR ALL TABLES WITH (publish = 'insert')",
		"SELECT pg_create_logical_replication_slot('"+h.Config.Postgres.Slot+"', 'pgoutput')")
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	h.Until(t, "the guard's first look", h.Guarded)
	h.Exec(t, "ALTER TABLE outbox SET UNLOGGED")
	err := h.Wait(t)
	if halt, ok := errors.AsType[*status.Halt](err); !ok || halt.Code != status.ExitHalted || !strings.Contains(halt.Detail, "unlogged") {
		t.Errorf("ended with %+v", err)
	}
}

func TestRow43_SlotDroppedHalts(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	// The slot goes in the moment between two connections.
	h.Until(t, "the slot to be dropped", func() bool {
		h.Exec(t, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '"+
			h.Config.Postgres.Slot+"' AND active")
		_, err := h.DB.Conn.Exec(t.Context(), "SELECT pg_drop_replication_slot($1)", h.Config.Postgres.Slot)
		return err == nil
	})
	err := h.Wait(t)
	halt, ok := errors.AsType[*status.Halt](err)
	if !ok || halt.Code != status.ExitHalted || !strings.Contains(halt.Hint, "walpost recover") {
		t.Errorf("ended with %+v", err)
	}
}

func TestRow46_SlotAdvancedHalts(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	h.Exec(t, "CREATE TABLE busy (x text)")
	h.Until(t, "the slot to be advanced", func() bool {
		h.Exec(t, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '"+
			h.Config.Postgres.Slot+"' AND active",
			"INSERT INTO busy SELECT repeat('x', 1000)")
		_, err := h.DB.Conn.Exec(t.Context(), "SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())", h.Config.Postgres.Slot)
		return err == nil
	})
	err := h.Wait(t)
	halt, ok := errors.AsType[*status.Halt](err)
	if !ok || halt.Code != status.ExitHalted || !strings.Contains(halt.Reason, "advanced") {
		t.Errorf("ended with %+v", err)
	}
}
