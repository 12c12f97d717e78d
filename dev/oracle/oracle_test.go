package oracle_test

import (
	"testing"

	"github.com/walpost/walpost/dev/oracle"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	a, b, c := oracle.Event{ID: "a", Key: "k", Number: 1}, oracle.Event{ID: "b", Key: "k", Number: 2},
		oracle.Event{ID: "c", Key: "l", Number: 1}
	all := []oracle.Event{a, b, c}
	for name, tc := range map[string]struct {
		records []oracle.Event
		want    *oracle.Report
	}{
		"exact":        {[]oracle.Event{c, a, b}, &oracle.Report{Records: 3}},
		"lost":         {[]oracle.Event{a, b}, &oracle.Report{Records: 2, Lost: 1}},
		"phantom":      {[]oracle.Event{a, b, c, {ID: "x"}}, &oracle.Report{Records: 4, Phantom: 1}},
		"repeated":     {[]oracle.Event{a, b, a, b, c}, &oracle.Report{Records: 5, Repeats: 2}},
		"out of order": {[]oracle.Event{b, a, c}, &oracle.Report{Records: 3, OutOfOrder: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := oracle.Compare(all, tc.records)
			tc.want.Committed, got.Examples = 3, nil
			if got.String() != tc.want.String() {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
