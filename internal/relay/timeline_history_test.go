package relay_test

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/replication/walsendertest"
	"github.com/walpost/walpost/internal/status"
)

// promoted is a server that is promoted when its first stream has been confirmed. It begins each stream with its first
// transaction, as a standby does whose slot followed later.
type promoted struct {
	timeline atomic.Int32
	asked    atomic.Int32 // for the history
	streams  atomic.Int32
	history  func(c *walsendertest.Conversation, attempt int32) error
}

func (p *promoted) answer(c *walsendertest.Conversation, query string) (bool, error) {
	switch {
	case strings.HasPrefix(query, "IDENTIFY_SYSTEM"):
		return true, c.Row("1", strconv.Itoa(int(p.timeline.Load())), "0/100", "db")
	case strings.HasPrefix(query, "TIMELINE_HISTORY"):
		return true, p.history(c, p.asked.Add(1))
	default:
		return false, nil
	}
}

func (p *promoted) stream(s *walsendertest.Stream) error {
	stream := p.streams.Add(1)
	var sending sync.WaitGroup
	defer sending.Wait()
	sending.Go(func() { // beside what is received: the connection holds nothing
		for n := range stream {
			commit := pgoutput.LSN(0x1000 * (n + 1))
			if s.Send(walsendertest.Transaction(commit, time.Now(), 1)...) != nil {
				return // the client has gone
			}
		}
	})
	for {
		st, over, err := s.Status()
		if over || err != nil {
			return err
		}
		if stream == 1 && st.Flush == walsendertest.EndOf(0x1000) {
			p.timeline.Store(2)
			return nil
		}
	}
}

// A relay that cannot ask for the history of a new timeline asks again: only what the history says lets events come twice.
// In virtual time.
func TestTimelineHistoryIsAskedForAgain(t *testing.T) {
	t.Parallel()
	found := func(c *walsendertest.Conversation) error {
		return c.Row("00000002.history", "1\t0/2000\tno recovery target\n")
	}
	for name, c := range map[string]struct {
		history func(c *walsendertest.Conversation, attempt int32) error
		asked   int32
		records int64
	}{
		"there":           {func(c *walsendertest.Conversation, _ int32) error { return found(c) }, 1, 2},
		"connection lost": {lostAtFirst(found), 3, 2},
		"shutdown": {func(c *walsendertest.Conversation, attempt int32) error {
			if attempt == 1 {
				return c.Error("57P01", "terminating connection due to administrator command")
			}
			return found(c)
		}, 2, 2},
		"not there": {func(c *walsendertest.Conversation, _ int32) error {
			return c.Error("58P01", `could not open file "pg_wal/00000002.history"`)
		}, 1, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &promoted{history: c.history}
				p.timeline.Store(1)
				core, logs := observer.New(zap.WarnLevel)
				v := startVirtualOn(t, &walsendertest.Server{
					SystemID: "1", Confirmed: 0x100, SenderTimeout: time.Minute, Script: p.stream, Answer: p.answer,
				}, nil, zap.New(core))
				within(t, time.Minute, "second stream", func() bool { return p.streams.Load() == 2 })
				pause.Virtual(time.Minute)
				if st := v.relay.Status(); st.State != status.Streaming {
					t.Errorf("it is %+v", st)
				}
				v.end(t)
				if n := v.seen.Records.Load(); n != c.records || p.asked.Load() != c.asked {
					t.Errorf("%d records after %d questions, want %d after %d", n, p.asked.Load(), c.records, c.asked)
				}
				if n := logs.FilterMessageSnippet("events may repeat").Len(); (n > 0) != (c.records > 2) {
					t.Errorf("%d lines say that events may repeat", n)
				}
			})
		})
	}
}

// lostAtFirst closes two connections before it answers.
func lostAtFirst(found func(c *walsendertest.Conversation) error) func(c *walsendertest.Conversation, attempt int32) error {
	return func(c *walsendertest.Conversation, attempt int32) error {
		if attempt < 3 {
			return errors.New("lost")
		}
		return found(c)
	}
}
