package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/oracle"
)

// scene is a small show in which everything went well.
type scene struct {
	book      *ledger
	committed []oracle.Event
	records   []oracle.Event
	kills     int
}

func goodScene() *scene {
	s := &scene{book: newLedger(), kills: 1}
	s.committed = []oracle.Event{{ID: "a1", Key: "a", Number: 1}, {ID: "a2", Key: "a", Number: 2}, {ID: "b1", Key: "b", Number: 1}}
	s.records = slices.Clone(s.committed)
	s.book.commit([]string{"a1", "b1"})
	s.book.savepoint([]string{"taken back"})
	s.book.commit([]string{"a2"})
	s.book.rollback([]string{"rolled back"})
	return s
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	repeat := oracle.Event{ID: "a1", Key: "a", Number: 1}
	for name, tc := range map[string]struct {
		spoil func(*scene)
		kept  bool
		says  string // a part of the output
	}{
		"kept":      {func(*scene) {}, true, "0  lost                       of 3 committed events"},
		"repeats":   {func(s *scene) { s.records = append(s.records, repeat) }, true, "1  repeats"},
		"lost":      {func(s *scene) { s.records = s.records[:2] }, false, "event b1 is not in Kafka"},
		"none came": {func(s *scene) { s.records = nil }, false, "3  lost"},
		"rolled back and published": {
			func(s *scene) { s.records = append(s.records, oracle.Event{ID: "rolled back", Key: "a", Number: 3}) },
			false, "1  rolled back and published  of 2 events",
		},
		"out of order": {func(s *scene) { slices.Reverse(s.records) }, false, "key a: 1 behind 2"},
		"other key": {
			func(s *scene) { s.records[0].Key = "b" }, false, "event a1 is key a, n 1 in the outbox, but key b, n 1 in Kafka",
		},
		"repeat altered": {
			func(s *scene) { s.records = append(s.records, oracle.Event{ID: "a1", Key: "a", Number: 9}) }, false, "1  altered",
		},
		"row gone": {
			func(s *scene) { s.committed, s.records = s.committed[:2], s.records[:2] }, false, "event b1 was committed by the service",
		},
		"row by a stranger": {func(s *scene) { delete(s.book.books.committed, "a1") }, false, "event a1 is in the outbox"},
		"nothing happened":  {func(s *scene) { *s = scene{book: newLedger(), kills: 1} }, false, "no committed transaction"},
		"no rollback":       {func(s *scene) { s.book.books.rollbacks = 0 }, false, "no transaction that was rolled back"},
		"no savepoint":      {func(s *scene) { s.book.books.savepoints = 0 }, false, "no savepoint that was rolled back"},
		"no kill":           {func(s *scene) { s.kills = 0 }, false, "no kill of the relay"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := goodScene()
			tc.spoil(s)
			v := judge(s.book.copy(), s.committed, s.records, s.kills)
			if v.kept() != tc.kept {
				t.Errorf("kept is %t, want %t", v.kept(), tc.kept)
			}
			var out bytes.Buffer
			v.show(newScreen(&out))
			if !strings.Contains(out.String(), tc.says) {
				t.Errorf("want %q in:\n%s", tc.says, out.String())
			}
			if failed := strings.Contains(out.String(), "failed"); failed == tc.kept {
				t.Errorf("the output says failed: %t, want %t:\n%s", failed, !tc.kept, out.String())
			}
		})
	}
}
