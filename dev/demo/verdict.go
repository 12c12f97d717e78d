package main

import (
	"fmt"

	"github.com/walpost/walpost/dev/oracle"
)

// verdict is what a comparison of the database with Kafka found.
type verdict struct {
	*oracle.Report

	books      books
	altered    int // records whose key or number is not the event's
	unbooked   int // events that the table has and the service did not commit, or the other way round
	keys       int
	rolledBack int // events that the service wrote and took back
	kills      int
}

// judge compares the events that are committed with the records that are in Kafka, those of each key in order, and with
// what the service believes that it committed.
func judge(b books, committed, records []oracle.Event, kills int) *verdict {
	v := &verdict{Report: oracle.Compare(committed, records), books: b, rolledBack: len(b.rolledBack), kills: kills}
	want, keys := make(map[string]oracle.Event, len(committed)), map[string]struct{}{}
	for _, e := range committed {
		want[e.ID] = e
		keys[e.Key] = struct{}{}
		if _, ok := b.committed[e.ID]; !ok {
			v.unbooked++
			v.example("event %s is in the outbox, but the service did not commit it", e.ID)
		}
	}
	for id := range b.committed {
		if _, ok := want[id]; !ok {
			v.unbooked++
			v.example("event %s was committed by the service, but is not in the outbox", id)
		}
	}
	for _, r := range records {
		if e, ok := want[r.ID]; ok && e != r {
			v.altered++
			v.example("event %s is key %s, n %d in the outbox, but key %s, n %d in Kafka", e.ID, e.Key, e.Number, r.Key, r.Number)
		}
	}
	v.keys = len(keys)
	return v
}

// kept reports whether walpost kept its promises, and was put to the test.
func (v *verdict) kept() bool {
	return v.Kept() && v.altered == 0 && v.unbooked == 0 && len(v.untested()) == 0
}

// untested names what the show should have had and did not: without it the verdict would say less than it seems to.
func (v *verdict) untested() []string {
	var missing []string
	for _, part := range []struct {
		what string
		n    int
	}{
		{"committed transaction", v.books.commits},
		{"transaction that was rolled back", v.books.rollbacks},
		{"savepoint that was rolled back", v.books.savepoints},
		{"kill of the relay", v.kills},
	} {
		if part.n == 0 {
			missing = append(missing, "no "+part.what)
		}
	}
	return missing
}

func (v *verdict) example(format string, args ...any) {
	const maxExamples = 10
	if len(v.Examples) < maxExamples {
		v.Examples = append(v.Examples, fmt.Sprintf(format, args...))
	}
}

// show writes the verdict for people.
func (v *verdict) show(s *screen) {
	s.say("%s", s.bold("Verdict: the outbox table compared with everything that is in Kafka"))
	v.line(s, v.Lost, "lost", fmt.Sprintf("of %s committed events", number(v.Committed)))
	v.line(s, v.Phantom, "rolled back and published", fmt.Sprintf("of %s events that were written and rolled back", number(v.rolledBack)))
	v.line(s, v.OutOfOrder, "out of order", fmt.Sprintf("in %s keys", number(v.keys)))
	v.line(s, v.altered, "altered", fmt.Sprintf("of %s records", number(v.Records)))
	if v.unbooked > 0 {
		v.line(s, v.unbooked, "differ", "between the outbox and what the service knows that it committed")
	}
	s.say("          %6s  %-26s %s", number(v.Repeats), "repeats", "kill -9: in Kafka, but not yet confirmed to the slot")
	for _, what := range v.untested() {
		s.say("  %s  %s: the show proves too little", s.red("failed"), what)
	}
	for _, example := range v.Examples {
		s.say("          e.g. %s", example)
	}
}

// line is one promise: the number must be 0.
func (v *verdict) line(s *screen, n int, what, of string) {
	mark := s.green("ok    ")
	if n > 0 {
		mark = s.red("failed")
	}
	s.say("  %s  %6s  %-26s %s", mark, number(n), what, of)
}
