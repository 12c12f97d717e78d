package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// Sizes of rows that must not show in the memory of the process: both are more than
// memoryLimit.
const (
	long     = 120 << 20
	veryLong = 250 << 20
)

const longID = "00000000-0000-4000-8000-000000000122"

// A row of 250 MB is read past in the memory of a small one: under skip and
// dead_letter the rows behind it come, under stop it is named.
func TestRow122_RowOf250MB(t *testing.T) {
	t.Parallel()
	binary := build(t)
	for policy, want := range map[string]int{"skip": 2, "dead_letter": 2, "stop": 1} {
		t.Run(policy, func(t *testing.T) {
			size := long
			if policy == "skip" {
				size = veryLong
			}
			h := newHarness(t, keys{"delivery.on_reject": policy, "delivery.dead_letter": "PREFIX.DLT"})
			letters := h.Prefix + ".DLT"
			if err := h.Kafka.CreateTopic(t.Context(), letters, 1, 1, nil); err != nil {
				t.Fatal(err)
			}
			p := launch(t, binary, "run", "-c", h.Config.File)
			p.Ready(t)
			h.Exec(t, relaytest.Insert("k", 1))
			h.Exec(t, fmt.Sprintf(`INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload)
				VALUES ('%s', 'order', 'k', 'Created', to_jsonb(repeat('x', %d)))`, longID, size))
			h.Exec(t, "DELETE FROM outbox WHERE id = '"+longID+"'", relaytest.Insert("k", 2))
			if policy == "stop" {
				p.Exits(t, 4)
				if log := p.Log.String(); !strings.Contains(log, longID) || !strings.Contains(log, "kafka.max_message_bytes") {
					t.Error("the log does not name the row and the key")
				}
			} else {
				h.confirmed(t, p)
				p.under(t, fmt.Sprintf("a row of %d MiB", size>>20))
				if n := p.metric(t, fmt.Sprintf("walpost_events_rejected_total{reason=\"too_large\",relay=%q,topic=%q}",
					h.Config.Name, h.Topic)); n != 1 {
					t.Errorf("walpost_events_rejected_total of too_large is %v", n)
				}
				p.Terminate(t)
				p.Exits(t, 0)
			}
			if got := consume(t, h.Kafka, h.Topic); len(got) != want || number(t, got[want-1].Value) != int64(want) {
				t.Errorf("%d records", len(got))
			}
			dead := consume(t, h.Kafka, letters)
			if policy != "dead_letter" {
				return
			}
			if len(dead) != 1 || string(dead[0].Key) != "k" || dead[0].Value != nil || string(dead[0].Headers[0].Value) != longID ||
				!strings.HasPrefix(string(dead[0].Headers[len(dead[0].Headers)-1].Value), "column payload of ") {
				t.Errorf("dead letters: %+v", dead)
			}
		})
	}
}

// What else may be as long: a row of another table, as it is inserted, updated and
// deleted, a column that is no part of the record, and messages.
func TestRow123_WhatElseIsLong(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.Exec(t, "ALTER TABLE outbox ADD COLUMN attachment bytea", "ALTER TABLE outbox ALTER attachment SET STORAGE EXTERNAL",
		"CREATE TABLE other (a int, doc text, b int)", "ALTER TABLE other REPLICA IDENTITY FULL")
	walpost(t, "init", "-c", h.Config.File).Exits(t, 0)
	h.Exec(t, `ALTER PUBLICATION "`+h.Config.Postgres.Slot+`" ADD TABLE other`)
	p := launch(t, build(t), "run", "-c", h.Config.File)
	p.Ready(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Exec(t, fmt.Sprintf("INSERT INTO other VALUES (1, repeat('x', %d), 2)", veryLong), "UPDATE other SET a = 3", "DELETE FROM other")
	h.Exec(t, fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload, attachment)
		VALUES ('order', 'k', 'Created', '{"n": 2}', decode(repeat('00', %d), 'hex'))`, long/4))
	h.Exec(t, relaytest.Insert("k", 3))
	h.confirmed(t, p)
	p.under(t, "long rows of other tables, and a long column of no use")
	p.Terminate(t)
	p.Exits(t, 0)
	if r := h.compare(t); r.Records != 3 || r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}

// Events without a table: a message that is too long is named by the members at its
// front, and one that is not the outbox's is read past.
func TestRow122_LongMessage(t *testing.T) {
	t.Parallel()
	h := newHarness(t, keys{"outbox.source": "message", "outbox.prefix": "events", "delivery.on_reject": "skip"})
	h.DB.RevokeMessages(t)
	walpost(t, "init", "-c", h.Config.File).Exits(t, 0)
	p := launch(t, build(t), "run", "-c", h.Config.File)
	p.Ready(t)
	emit := func(prefix, id string, size int) {
		h.Exec(t, fmt.Sprintf(`SELECT pg_logical_emit_message(true, '%s', '{"id": "%s", "aggregatetype": "order", "aggregateid": `+
			`"k", "payload": "{\"n\": 1}", "pad": "' || repeat('x', %d) || '"}')`, prefix, id, size))
	}
	emit("events", "first", 10)
	emit("events", "the long one", long)
	emit("another", "x", long)
	emit("events", "last", 10)
	h.confirmed(t, p)
	p.under(t, "long messages")
	p.Terminate(t)
	p.Exits(t, 0)
	if !strings.Contains(p.Log.String(), "the long one") {
		t.Error("the log does not name the message")
	}
	var ids []string
	for _, r := range consume(t, h.Kafka, h.Topic) {
		ids = append(ids, string(r.Headers[0].Value))
	}
	if !slices.Equal(ids, []string{"first", "last"}) {
		t.Errorf("published: %v", ids)
	}
}
