package walsendertest

import (
	"testing"
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/pgoutput/pgoutputtest"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/replication"
)

// Open starts a stream from the server.
func Open(t testing.TB, server *Server) *replication.Stream {
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
	return stream
}

// Transaction returns the messages of a transaction with so many rows of pgoutputtest.Outbox.
func Transaction(commit pgoutput.LSN, at time.Time, rows int) [][]byte {
	all := [][]byte{
		pgoutputtest.AppendBegin(nil, &pgoutput.Begin{CommitLSN: commit, CommitTime: at, XID: 7}),
		pgoutputtest.AppendRelation(nil, pgoutputtest.Outbox()),
	}
	for range rows {
		all = append(all, pgoutputtest.AppendInsert(nil, pgoutputtest.Outbox().ID, pgoutputtest.OutboxRow()))
	}
	return append(all, pgoutputtest.AppendCommit(nil, &pgoutput.Commit{CommitLSN: commit, EndLSN: EndOf(commit), CommitTime: at}))
}

// EndOf is the end of a Transaction, which may be confirmed.
func EndOf(commit pgoutput.LSN) pgoutput.LSN { return commit + 0x30 }

// Record collects the statuses of a stream until it ends.
func Record(s *Stream, into *[]Status) error {
	for {
		st, ended, err := s.Status()
		if ended || err != nil {
			return err
		}
		*into = append(*into, st)
	}
}

// Sink is a replication.Sink that counts what it gets, and confirms and is full as the test says.
type Sink struct {
	Ends       []pgoutput.LSN // of transactions
	Rows       int
	Keepalives pgoutput.LSN // the last

	Confirm func(*Sink) pgoutput.LSN // nil: nothing
	Fills   func(*Sink) bool         // nil: never

	inside bool // a transaction
}

var _ replication.Sink = (*Sink)(nil)

// Message takes a message.
func (s *Sink) Message(m pgoutput.Message) error {
	switch m := m.(type) {
	case *pgoutput.Begin:
		s.inside = true
	case *pgoutput.Insert:
		s.Rows++
	case *pgoutput.Commit:
		s.inside = false
		s.Ends = append(s.Ends, m.EndLSN)
	}
	return nil
}

// Keepalive takes the LSN of a keepalive.
func (s *Sink) Keepalive(lsn pgoutput.LSN) { s.Keepalives = lsn }

// Full reports whether Fills reports true.
func (s *Sink) Full() bool { return s.Fills != nil && s.Fills(s) }

// Behind reports whether transactions are old when they arrive: never.
func (*Sink) Behind() bool { return false }

// Between reports whether no transaction is under way.
func (s *Sink) Between() bool { return !s.inside }

// Fault is none.
func (*Sink) Fault() error { return nil }

// Confirmed returns what Confirm says.
func (s *Sink) Confirmed() (pgoutput.LSN, bool) {
	if s.Confirm == nil {
		return 0, false
	}
	return s.Confirm(s), true
}

// ConfirmAll confirms what has come.
func ConfirmAll(s *Sink) pgoutput.LSN {
	if len(s.Ends) == 0 {
		return s.Keepalives
	}
	return max(s.Ends[len(s.Ends)-1], s.Keepalives)
}
