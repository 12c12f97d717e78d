package tracker_test

import (
	"slices"
	"testing"

	"github.com/walpost/walpost/pkg/inbox/internal/tracker"
)

// Whatever the order in which records are done, the mark never passes one that is
// not, never goes back, and ends behind the last.
func TestTrackerMarksThePrefix(t *testing.T) {
	t.Parallel()
	for _, offsets := range [][]int64{{7}, {1, 2}, {0, 3, 4}, {1, 2, 3, 4}, {0, 1, 5, 6, 9}, {2, 3, 4, 7, 8, 9}} {
		permutations(offsets, 0, func(order []int64) { finishAll(t, offsets, order) })
	}
}

func finishAll(t *testing.T, offsets, order []int64) {
	t.Helper()
	done := tracker.New(offsets[0])
	records, open := map[int64]*tracker.Record{}, slices.Clone(offsets)
	for _, offset := range offsets {
		records[offset] = done.Add(offset)
	}
	mark, freed := int64(0), 0
	for _, offset := range order {
		open = slices.DeleteFunc(open, func(o int64) bool { return o == offset })
		freed += done.Finish(records[offset], func(next int64) {
			if next <= mark {
				t.Fatalf("%v: mark %d after %d", order, next, mark)
			}
			mark = next
		})
		if len(open) > 0 && open[0] < mark {
			t.Fatalf("%v: mark %d passes %d, which is not done", order, mark, open[0])
		}
	}
	next, pending := done.State()
	if want := offsets[len(offsets)-1] + 1; mark != want || next != want || freed != len(offsets) || pending != 0 {
		t.Fatalf("%v: mark %d, next %d, %d freed, %d pending, want %d", order, mark, next, freed, pending, want)
	}
}

// permutations calls do with each order of all, from an index on.
func permutations(all []int64, from int, do func([]int64)) {
	if from == len(all) {
		do(all)
		return
	}
	for i := from; i < len(all); i++ {
		next := slices.Clone(all)
		next[from], next[i] = next[i], next[from]
		permutations(next, from+1, do)
	}
}
