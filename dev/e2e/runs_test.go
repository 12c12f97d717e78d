package e2e_test

import (
	"slices"
	"testing"
	"time"
)

// run is one life of the process.
type run struct {
	from    lsn // what the slot was confirmed up to before it
	to      lsn // and after it
	started time.Time
	ended   time.Time
	records []published // that it wrote
}

// assign gives each run its records. Kafka gives each process a producer id of
// its own; the first record of an id tells, by the time at which Kafka appended
// it, which process that was.
func assign(t *testing.T, runs []*run, records []published) {
	t.Helper()
	first := map[int64]time.Time{}
	for _, r := range records {
		if at, ok := first[r.producer]; !ok || r.at.Before(at) {
			first[r.producer] = r.at
		}
	}
	of := map[int64]*run{}
	for id, at := range first {
		for _, r := range slices.Backward(runs) {
			if !r.started.Truncate(time.Millisecond).After(at) {
				of[id] = r
				break
			}
		}
		if of[id] == nil {
			t.Fatalf("producer %d wrote at %v, before the first run", id, at)
		}
	}
	for _, r := range records {
		of[r.producer].records = append(of[r.producer].records, r)
	}
}

// commitTable returns which events each transaction has, by commit LSN.
func commitTable(records []published) map[lsn]map[string]bool {
	table := map[lsn]map[string]bool{}
	for _, r := range records {
		if table[r.commit] == nil {
			table[r.commit] = map[string]bool{}
		}
		table[r.commit][r.ID] = true
	}
	return table
}

// complete returns, for the transactions of a run from its first to the last
// before which nothing is missing, the time at which Kafka had all up to it.
func (r *run) complete(table map[lsn]map[string]bool) (commits []lsn, at []time.Time) {
	mine := commitTable(r.records)
	when := map[lsn]time.Time{}
	for _, rec := range r.records {
		when[rec.commit] = later(when[rec.commit], rec.at)
	}
	var all []lsn
	for commit := range table {
		if commit >= r.from {
			all = append(all, commit)
		}
	}
	slices.Sort(all)
	var latest time.Time
	for _, commit := range all {
		if len(mine[commit]) < len(table[commit]) {
			break
		}
		latest = later(latest, when[commit])
		commits, at = append(commits, commit), append(at, latest)
	}
	return commits, at
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// startsAtConfirmed checks that a run wrote nothing that was confirmed before
// it: a transaction has ended at or before the confirmed LSN exactly when its
// commit LSN, where its commit record begins, lies before that.
func (r *run) startsAtConfirmed(t *testing.T, n int) {
	t.Helper()
	for _, rec := range r.records {
		if rec.commit < r.from {
			t.Errorf("run %d wrote event %s of commit %v, which was confirmed before by %v", n, rec.ID, rec.commit, r.from)
		}
	}
}

// confirmedWithin is how soon what Kafka has is confirmed: within a second, and
// somewhat later on a busy machine.
const confirmedWithin = 3 * time.Second

// confirmedInTime checks that everything up to the newest commit that Kafka held for at
// least confirmedWithin, when a run was ended, was confirmed. So no more than what came
// later is published again. It reports whether there was anything to check.
func (r *run) confirmedInTime(t *testing.T, n int, table map[lsn]map[string]bool) bool {
	t.Helper()
	commits, at := r.complete(table)
	old := 0
	for i, commit := range commits {
		if !at[i].Before(r.ended.Add(-confirmedWithin)) {
			break
		}
		old++
		if commit >= r.to {
			t.Errorf("run %d: Kafka had all up to commit %v for %v when the process was killed, and only %v was confirmed",
				n, commit, r.ended.Sub(at[i]), r.to)
			break
		}
	}
	return old > 0
}
