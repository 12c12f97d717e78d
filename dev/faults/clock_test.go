package faults_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/pgoutput/pgoutputtest"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/replication"
	"github.com/walpost/walpost/internal/replication/walsendertest"
)

// The server's clock jumps by an hour, forth and back, between transactions: what is
// confirmed and when goes by LSNs and by the relay's own timers alone. In virtual
// time, on a walsender that is scripted: no clock of a real server can be set here.
func TestRow18_ClockJumps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		jumps := []time.Duration{0, time.Hour, -time.Hour, 0}
		var got []walsendertest.Status
		server := &walsendertest.Server{
			SystemID: "1", Timeline: 1, Confirmed: 0x100, SenderTimeout: time.Minute,
			Script: func(s *walsendertest.Stream) error {
				var sending sync.WaitGroup
				sending.Go(func() {
					for i, by := range jumps {
						// A broken stream shows in the statuses.
						_ = s.Send(transactionAt(pgoutput.LSN(0x1000*(i+1)), time.Now().Add(by))...)
						pause.Virtual(time.Minute)
						_ = s.Keepalive(pgoutput.LSN(0x1000*(i+1)+0x40), false)
					}
				})
				defer sending.Wait()
				for {
					st, ended, err := s.Status()
					if ended || err != nil {
						return err
					}
					got = append(got, st)
					if st.Flush >= pgoutput.LSN(0x1000*len(jumps)+0x40) {
						return nil
					}
				}
			},
		}
		begun := time.Now()
		runStream(t, server)
		synctest.Wait()
		var flushed []pgoutput.LSN
		for _, st := range got {
			flushed = append(flushed, st.Flush)
		}
		if !slices.IsSorted(flushed) || len(flushed) == 0 {
			t.Fatalf("confirmed %v", flushed)
		}
		for i := range jumps {
			if end := pgoutput.LSN(0x1000*(i+1) + 0x30); !slices.Contains(flushed, end) {
				t.Errorf("%s, the end of transaction %d, was never confirmed", end, i+1)
			}
		}
		// A status every 10 s, and one for each transaction and keepalive.
		if limit := int(time.Since(begun)/(10*time.Second)) + 4*len(jumps); len(got) > limit {
			t.Errorf("%d status updates in %v", len(got), time.Since(begun))
		}
	})
}

// runStream streams until the script ends, and confirms everything at once.
func runStream(t *testing.T, server *walsendertest.Server) {
	t.Helper()
	target := postgres.Target{
		URL:  func() (string, error) { return "postgres://walpost@127.0.0.1:5432/db?sslmode=disable", nil },
		Dial: server.Dial,
	}
	session, err := replication.Open(t.Context(), target, "s")
	if err != nil {
		t.Fatal(err)
	}
	stream, err := session.Start(t.Context(), "s", "p", false)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	t.Logf("the stream ended: %v", stream.Run(t.Context(), nil, &eager{}))
}

// transactionAt is the messages of a transaction of one row with that commit time.
func transactionAt(commit pgoutput.LSN, at time.Time) [][]byte {
	return [][]byte{
		pgoutputtest.AppendBegin(nil, &pgoutput.Begin{CommitLSN: commit, CommitTime: at, XID: 7}),
		pgoutputtest.AppendRelation(nil, pgoutputtest.Outbox()),
		pgoutputtest.AppendInsert(nil, pgoutputtest.Outbox().ID, pgoutputtest.OutboxRow()),
		pgoutputtest.AppendCommit(nil, &pgoutput.Commit{CommitLSN: commit, EndLSN: commit + 0x30, CommitTime: at}),
	}
}

// eager is a sink that confirms what it has got.
type eager struct {
	confirm pgoutput.LSN
	inTx    bool
}

func (s *eager) Message(m pgoutput.Message) error {
	switch m := m.(type) {
	case *pgoutput.Begin:
		s.inTx = true
	case *pgoutput.Commit:
		s.inTx, s.confirm = false, m.EndLSN
	}
	return nil
}
func (s *eager) Keepalive(lsn pgoutput.LSN)      { s.confirm = max(s.confirm, lsn) }
func (s *eager) Full() bool                      { return false }
func (s *eager) Behind() bool                    { return false }
func (s *eager) Between() bool                   { return !s.inTx }
func (s *eager) Fault() error                    { return nil }
func (s *eager) Confirmed() (pgoutput.LSN, bool) { return s.confirm, true }
