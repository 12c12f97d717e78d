package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/devstack"
	"github.com/walpost/walpost/pkg/inbox"
)

// Dead letters go back once the handler is mended, in order, and those that have
// been processed meanwhile have no second effect.
func TestRedrive(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 2)
	f.events(t, 0, 40, 6)
	config := f.config(t)
	var mended atomic.Bool
	f.start(t, config, func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
		if !mended.Load() && string(e.Key) < "k3" {
			return inbox.Permanent(errPoison)
		}
		return record(ctx, tx, e)
	})
	until(t, "all marked", func() bool { return f.committed(t, config.Group) == 40 })
	dead, _ := f.letters(t)
	redrive := inbox.RedriveConfig{Brokers: f.kafka.Bootstrap(devstack.Plaintext), DeadLetter: f.topic + ".DLT", DryRun: true}
	var last map[string]int64
	redrive.Each = func(d *inbox.DeadLetter) error {
		if d.Event.Topic != f.topic || d.Group != config.Group || d.Reason != "permanent" || d.Error != "poison" || d.Attempts != 1 || d.Event.Type != "Tested" || d.Time.IsZero() {
			t.Errorf("dead letter %+v", d)
		}
		if key := string(d.Event.Key); d.Event.Offset < last[key] {
			t.Errorf("offset %d of key %s after %d", d.Event.Offset, key, last[key])
		} else {
			last[key] = d.Event.Offset
		}
		return nil
	}
	again := func(want int) inbox.Redriven {
		t.Helper()
		last = map[string]int64{}
		done, err := inbox.Redrive(t.Context(), redrive)
		if err != nil || done.Matched != want || !redrive.DryRun && done.Sent[f.topic] != want {
			t.Fatalf("%+v, %v, want %d", done, err, want)
		}
		return done
	}
	again(len(dead))
	if ends, _ := f.kafka.EndOffsets(f.topic); ends[0]+ends[1] != 40 {
		t.Fatal("a dry run has written")
	}
	mended.Store(true)
	redrive.DryRun = false
	redrive.Match = func(d *inbox.DeadLetter) bool { return string(d.Event.Key) == "k0" }
	again(7)
	redrive.Match, redrive.Remove = nil, true
	if done := again(len(dead)); len(done.Removed) == 0 {
		t.Errorf("nothing removed: %+v", done)
	}
	f.await(t, 40)
	until(t, "all marked", func() bool { return f.committed(t, config.Group) == int64(40+7+len(dead)) })
	if rows, ids := f.number(t, "SELECT count(*) FROM effect"), f.number(t, "SELECT count(DISTINCT id) FROM effect"); rows != 40 || ids != 40 {
		t.Errorf("%d effects of %d events, want 40", rows, ids)
	}
	again(0)
}

// A record that comes back and fails again says how often that was.
func TestRedriveCounts(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, f.message("bad", "k"))
	config := f.config(t)
	f.start(t, config, poison)
	redrive := inbox.RedriveConfig{Brokers: config.Brokers, DeadLetter: f.topic + ".DLT"}
	for round := range 3 {
		until(t, "the dead letter", func() bool { records, _ := f.letters(t); return len(records) > round })
		records, headers := f.letters(t)
		if got := headers[round]["walpost-redrives"]; round > 0 && got != fmt.Sprint(round) {
			t.Errorf("round %d: %s redrives", round, got)
		}
		redrive.Match = func(d *inbox.DeadLetter) bool { return d.Offset == int64(len(records)-1) }
		var seen inbox.DeadLetter
		redrive.Each = func(d *inbox.DeadLetter) error { seen = *d; return nil }
		if _, err := inbox.Redrive(t.Context(), redrive); err != nil {
			t.Fatal(err)
		}
		if seen.Redrives != round || len(seen.Event.Headers) != 2 {
			t.Errorf("round %d: %+v", round, seen)
		}
	}
}

func TestRedriveStops(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.events(t, 0, 1, 1)
	redrive := inbox.RedriveConfig{Brokers: f.kafka.Bootstrap(devstack.Plaintext), DeadLetter: f.topic}
	if _, err := inbox.Redrive(t.Context(), redrive); !errors.Is(err, inbox.ErrNotDeadLetter) {
		t.Errorf("%v", err)
	}
	if _, err := inbox.Redrive(t.Context(), inbox.RedriveConfig{}); !errors.Is(err, inbox.ErrConfig) {
		t.Errorf("%v", err)
	}
}
