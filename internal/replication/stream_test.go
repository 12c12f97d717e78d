package replication_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/replication"
	"github.com/walpost/walpost/internal/replication/walsendertest"
)

// transaction is one with so many rows, at any time.
func transaction(commit pgoutput.LSN, rows int) [][]byte {
	return walsendertest.Transaction(commit, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), rows)
}

// scripted is a server that plays a stream.
func scripted(script func(*walsendertest.Stream) error) *walsendertest.Server {
	return &walsendertest.Server{SystemID: "1", Timeline: 1, Confirmed: 0x100, SenderTimeout: time.Minute, Script: script}
}

// runFor reads a stream for so long, and closes it.
func runFor(t *testing.T, d time.Duration, stream *replication.Stream, into *walsendertest.Sink) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	unwatch := context.AfterFunc(ctx, stream.Wake)
	defer unwatch()
	_ = stream.Run(ctx, nil, into) // it ends with the context
	stream.Close()
	synctest.Wait()
}

func TestLaw2_WriteFlushAndApplyAreAlwaysSet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []walsendertest.Status
		server := scripted(func(s *walsendertest.Stream) error {
			if err := s.Send(transaction(0x1000, 3)...); err != nil {
				return err
			}
			return walsendertest.Record(s, &got)
		})
		stream := walsendertest.Open(t, server)
		into := &walsendertest.Sink{} // Kafka acknowledges nothing
		runFor(t, time.Minute, stream, into)
		if into.Rows != 3 || len(got) < 5 {
			t.Fatalf("%d rows, %d statuses: want 3 and one each 10 s", into.Rows, len(got))
		}
		for _, st := range got {
			if st.Write != 0x1030 || st.Flush != 0x100 || st.Apply != 0x100 {
				t.Errorf("status %+v: want what was received as write, and the slot's own position as flush and apply", st)
			}
		}
	})
}

func TestLaw3_ConfirmedNeverPassesWhatWasReceived(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []walsendertest.Status
		server := scripted(func(s *walsendertest.Stream) error {
			go func() { // a pipe has no buffer: both sides would wait
				for i := range 5 {
					_ = s.Send(transaction(pgoutput.LSN(0x1000*(i+1)), 1)...)
				}
			}()
			return walsendertest.Record(s, &got)
		})
		stream := walsendertest.Open(t, server)
		calls := 0
		into := &walsendertest.Sink{Confirm: func(*walsendertest.Sink) pgoutput.LSN { // claims too much, then less
			calls++
			return []pgoutput.LSN{1 << 40, 0x2030, 0x10}[calls%3]
		}}
		runFor(t, time.Minute, stream, into)
		last := pgoutput.LSN(0x100)
		for _, st := range got {
			if st.Flush < last || st.Flush > st.Write || st.Flush > 0x5030 {
				t.Errorf("status %+v after %s", st, last)
			}
			last = st.Flush
		}
		if last == 0x100 {
			t.Error("nothing was confirmed: the test shows nothing")
		}
	})
}

// A full sink stops the reading and not the status: the walsender lives.
func TestFullSinkKeepsTheConnectionAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		statuses := 0
		sent := make(chan error, 1)
		server := &walsendertest.Server{
			SystemID: "1", Timeline: 1, Confirmed: 0x100, SenderTimeout: 30 * time.Second,
			Script: func(s *walsendertest.Stream) error {
				go func() { sent <- s.Send(transaction(0x1000, 20000)...) }()
				for {
					_, ended, err := s.Status()
					if ended || err != nil {
						return err
					}
					statuses++
				}
			},
		}
		stream := walsendertest.Open(t, server)
		begun := time.Now()
		into := &walsendertest.Sink{Fills: func(s *walsendertest.Sink) bool { return s.Rows >= 100 && time.Since(begun) < 5*time.Minute }}
		time.AfterFunc(5*time.Minute, stream.Wake)
		runFor(t, 10*time.Minute, stream, into)
		if err := <-sent; into.Rows != 20000 || err != nil {
			t.Errorf("%d rows after the pause, want 20000 (%v)", into.Rows, err)
		}
		if statuses < 30 {
			t.Errorf("%d statuses in ten minutes at wal_sender_timeout 30 s", statuses)
		}
	})
}

func TestServerThatFallsSilentIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []walsendertest.Status
		server := scripted(func(s *walsendertest.Stream) error {
			return walsendertest.Record(s, &got)
		})
		stream := walsendertest.Open(t, server)
		err := stream.Run(t.Context(), nil, &walsendertest.Sink{})
		stream.Close()
		synctest.Wait()
		if !errors.Is(err, replication.ErrSilent) {
			t.Errorf("ended with %v", err)
		}
		if !slices.ContainsFunc(got, func(s walsendertest.Status) bool { return s.ReplyRequested }) {
			t.Error("the server was never asked for a reply")
		}
	})
}

// TestRow101_SilenceFollowsTheServer: a server that decodes a huge transaction of which
// nothing is published speaks at half of its wal_sender_timeout. The stream is patient
// for as long as the server itself would be.
func TestRow101_SilenceFollowsTheServer(t *testing.T) {
	t.Parallel()
	for limit, quiet := range map[time.Duration]time.Duration{
		10 * time.Minute: 9 * time.Minute, 0: 9 * time.Minute, time.Minute: 50 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			const rounds = 3
			server := &walsendertest.Server{
				SystemID: "1", Timeline: 1, Confirmed: 0x100, SenderTimeout: limit,
				Script: func(s *walsendertest.Stream) error {
					go func() {
						for range rounds {
							pause.Virtual(quiet)
							_ = s.Keepalive(0x200, false)
						}
					}()
					var got []walsendertest.Status
					return walsendertest.Record(s, &got)
				},
			}
			stream := walsendertest.Open(t, server)
			begun := time.Now()
			err := stream.Run(t.Context(), nil, &walsendertest.Sink{})
			stream.Close()
			synctest.Wait()
			if lasted := time.Since(begun); !errors.Is(err, replication.ErrSilent) || lasted < rounds*quiet+max(limit, time.Minute) ||
				lasted > rounds*quiet+11*time.Minute {
				t.Errorf("wal_sender_timeout %v: ended after %v with %v", limit, lasted, err)
			}
		})
	}
}

func TestReplyRequestedIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var waited time.Duration
		server := &walsendertest.Server{SystemID: "1", Timeline: 1, Confirmed: 0x100, Script: func(s *walsendertest.Stream) error {
			asked := time.Now()
			if err := s.Keepalive(0x200, true); err != nil {
				return err
			}
			_, _, err := s.Status()
			waited = time.Since(asked)
			return err
		}}
		stream := walsendertest.Open(t, server)
		_ = stream.Run(t.Context(), nil, &walsendertest.Sink{})
		stream.Close()
		synctest.Wait()
		if waited > 0 {
			t.Errorf("answered after %v", waited)
		}
	})
}

// A planned stop reads to the end of the transaction it is in, and knows that the
// server has taken the confirmation.
func TestPlannedStopEndsBetweenTransactions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []walsendertest.Status
		stop := make(chan struct{})
		half, rest := transaction(0x1000, 10), [][]byte(nil)
		half, rest = half[:5], half[5:]
		server := &walsendertest.Server{SystemID: "1", Timeline: 1, Confirmed: 0x100, Script: func(s *walsendertest.Stream) error {
			if err := s.Send(half...); err != nil {
				return err
			}
			time.AfterFunc(time.Second, func() { _ = s.Send(append(rest, transaction(0x2000, 10)...)...) })
			return walsendertest.Record(s, &got)
		}}
		stream := walsendertest.Open(t, server)
		into := &walsendertest.Sink{Confirm: walsendertest.ConfirmAll}
		time.AfterFunc(time.Second/2, func() { close(stop); stream.Wake() })
		if err := stream.Run(t.Context(), stop, into); err != nil {
			t.Fatal(err)
		}
		if err := stream.Finish(t.Context(), into); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if into.Rows != 10 || len(into.Ends) != 1 {
			t.Errorf("%d rows, %d commits: want one whole transaction", into.Rows, len(into.Ends))
		}
		if last := got[len(got)-1]; last.Flush != 0x1030 {
			t.Errorf("last status %+v", last)
		}
	})
}

func TestNonsenseIsAnError(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string][]byte{
		"unknown message":      {'?', 0, 0, 0, 4},
		"absurd length":        {'d', 0xff, 0xff, 0xff, 0xff},
		"empty copy data":      {'d', 0, 0, 0, 4},
		"unknown copy message": {'d', 0, 0, 0, 5, 'z'},
		"cut short":            {'d', 0, 0, 0, 9, 'w', 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &walsendertest.Server{
				SystemID: "1", Timeline: 1, Confirmed: 0x100, Script: func(s *walsendertest.Stream) error { return s.Raw(raw) },
			}
			stream := walsendertest.Open(t, server)
			defer stream.Close()
			if err := stream.Run(t.Context(), nil, &walsendertest.Sink{}); err == nil {
				t.Error("accepted")
			} else if testing.Verbose() {
				t.Log(fmt.Sprint(err))
			}
		})
	}
}
