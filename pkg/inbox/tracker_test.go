package inbox_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/walpost/walpost/pkg/inbox"
)

// Whatever the order in which records are done, the mark never passes one that is
// not, never goes back, and ends behind the last.
func TestTrackerMarksThePrefix(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var tracker inbox.Tracker
		gaps := rapid.SliceOfN(rapid.Int64Range(1, 3), 1, 50).Draw(t, "gaps")
		offset, finish, open := int64(0), map[int64]func(func(int64)) int{}, map[int64]bool{}
		var order []int64
		for _, gap := range gaps {
			offset += gap
			finish[offset], open[offset] = tracker.Add(offset), true
			order = append(order, offset)
		}
		mark, freed := int64(0), 0
		for _, o := range rapid.Permutation(order).Draw(t, "order") {
			delete(open, o)
			freed += finish[o](func(next int64) {
				if next <= mark {
					t.Fatalf("mark %d after %d", next, mark)
				}
				mark = next
			})
			for o := range open {
				if o < mark {
					t.Fatalf("mark %d passes %d, which is not done", mark, o)
				}
			}
		}
		if mark != offset+1 || freed != len(gaps) || tracker.Pending() != 0 {
			t.Fatalf("mark %d, %d freed, %d pending after %d", mark, freed, tracker.Pending(), offset)
		}
	})
}
