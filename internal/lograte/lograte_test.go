package lograte_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walpost/walpost/internal/lograte"
)

func TestFirstLineAtOnceThenRarely(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l lograte.Line
		if !l.Allow() {
			t.Error("the first line is not logged")
		}
		for range 3 {
			if l.Allow() {
				t.Error("a repeat is logged at once")
			}
		}
		time.Sleep(lograte.Interval) //nolint:forbidigo // virtual time
		if n, allowed := l.Count(); !allowed || n != 3 {
			t.Errorf("after the interval: %d not logged, allowed %t", n, allowed)
		}
		if l = (lograte.Line{}); !l.Allow() {
			t.Error("a new one does not begin anew")
		}
	})
}

func TestEachKindByItself(t *testing.T) {
	t.Parallel()
	var l lograte.Lines
	for _, kind := range []string{"a", "b"} {
		if !l.Allow(kind) || l.Allow(kind) {
			t.Errorf("%s: want one line", kind)
		}
	}
}

func TestKindsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lograte.Lines{Max: 10}
		count := func() (logged int) {
			for i := range 1000 {
				if l.Allow(fmt.Sprint(i)) {
					logged++
				}
			}
			return logged
		}
		if n := count(); n != l.Max {
			t.Errorf("%d lines, want %d", n, l.Max)
		}
		time.Sleep(lograte.Interval) //nolint:forbidigo // virtual time
		if n := count(); n != l.Max {
			t.Errorf("%d lines after the interval, want %d", n, l.Max)
		}
	})
}
