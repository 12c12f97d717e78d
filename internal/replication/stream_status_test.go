package replication_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/internal/replication/walsendertest"
)

// An end in order returns when the slot is free, which is a little after the server has taken the confirmation: whoever is
// started next, or asks, finds it so. A server that goes or falls silent in between has the confirmation all the same.
func TestFinishWaitsUntilTheSlotIsFree(t *testing.T) {
	t.Parallel()
	const (
		copyDone = "c\x00\x00\x00\x04"
		free     = "C\x00\x00\x00\x0bCOPY 0\x00Z\x00\x00\x00\x05I"

		step, patience = time.Second, 5 * time.Second
	)
	for name, c := range map[string]struct {
		answers []string // one each step
		silent  bool     // after them; else the server goes
		took    time.Duration
		fails   bool
	}{
		"free":                      {[]string{copyDone, free}, true, 2 * step, false},
		"gone after it was taken":   {[]string{copyDone, ""}, false, 2 * step, false},
		"silent after it was taken": {[]string{copyDone}, true, patience, false},
		"gone before":               {[]string{""}, false, step, true},
		"silent before":             {nil, true, patience, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				stream := walsendertest.Open(t, scripted(func(s *walsendertest.Stream) error {
					if err := s.Left(); err != nil {
						return err
					}
					for _, answer := range c.answers {
						pause.Virtual(step)
						if err := s.Raw([]byte(answer)); err != nil {
							return err
						}
					}
					if c.silent {
						_ = s.Left() // until the client has gone
					}
					return nil
				}))
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				begun := time.Now()
				err := stream.Finish(ctx, &walsendertest.Sink{})
				if took := time.Since(begun); took != c.took || (err != nil) != c.fails {
					t.Errorf("ended after %v with %v, want %v and an error: %t", took, err, c.took, c.fails)
				}
			})
		})
	}
}
