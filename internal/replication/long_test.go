package replication_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/pgoutput/pgoutputtest"
	"github.com/walpost/walpost/internal/replication/walsendertest"
)

// keepNone keeps nothing of a long message.
type keepNone struct{}

func (keepNone) Columns(*pgoutput.Relation) []int { return nil }
func (keepNone) Content(string, bool) int         { return 0 }

// frames are messages as they go over the network.
func frames(messages ...[]byte) []byte {
	var all []byte
	for _, m := range messages {
		all = append(all, 'd')
		all = binary.BigEndian.AppendUint32(all, uint32(4+25+len(m)))
		all = append(append(all, 'w'), make([]byte, 24)...)
		all = append(all, m...)
	}
	return all
}

// longTransaction is one row of 1 MB between two small ones, as bytes.
func longTransaction(size int) []byte {
	row := pgoutputtest.OutboxRow()
	row[4] = pgoutput.Value{Kind: pgoutput.Text, Data: make([]byte, size)}
	all := transaction(0x1000, 2)
	all[2] = pgoutputtest.AppendInsert(nil, pgoutputtest.Outbox().ID, row)
	return frames(all...)
}

// While a long row comes slowly, for five minutes, status goes on: a server that
// hears nothing for wal_sender_timeout ends the connection.
func TestRow122_StatusWhileALongRowComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []walsendertest.Status
		server := scripted(func(s *walsendertest.Stream) error {
			go func() {
				all := longTransaction(1 << 20)
				tick := time.NewTicker(time.Second)
				defer tick.Stop()
				for piece := range 300 {
					<-tick.C
					_ = s.Raw(all[piece*len(all)/300 : (piece+1)*len(all)/300])
				}
			}()
			return walsendertest.Record(s, &got)
		})
		stream := walsendertest.Open(t, server)
		stream.Bound(100<<10, keepNone{})
		into := &walsendertest.Sink{}
		runFor(t, 6*time.Minute, stream, into)
		if into.Rows != 2 || len(into.Ends) != 1 {
			t.Errorf("%d rows, %d transactions, want 2 and 1", into.Rows, len(into.Ends))
		}
		if len(got) < 30 {
			t.Errorf("%d statuses in six minutes, want one each 10 s or so", len(got))
		}
	})
}

// A stop that will not wait ends in the middle of a long row.
func TestRow122_CancelledInALongRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := scripted(func(s *walsendertest.Stream) error {
			all := longTransaction(1 << 20)
			go func() { _ = s.Raw(all[:len(all)/2]) }()
			var got []walsendertest.Status
			return walsendertest.Record(s, &got)
		})
		stream := walsendertest.Open(t, server)
		stream.Bound(100<<10, keepNone{})
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		defer context.AfterFunc(ctx, stream.Wake)()
		if err := stream.Run(ctx, nil, &walsendertest.Sink{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended with %v", err)
		}
		stream.Close()
	})
}

// An end in order reads past a long row too: CopyDone comes behind it.
func TestRow122_FinishBehindALongRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := scripted(func(s *walsendertest.Stream) error {
			go func() { _ = s.Raw(longTransaction(8 << 20)) }() // ahead of the answer to CopyDone: a pipe takes one write at a time
			var got []walsendertest.Status
			return walsendertest.Record(s, &got)
		})
		stream := walsendertest.Open(t, server)
		stream.Bound(100<<10, keepNone{})
		if err := stream.Finish(t.Context(), &walsendertest.Sink{}); err != nil {
			t.Error(err)
		}
	})
}

// A length that lies ends the stream with an error about the message.
func TestRow122_LongRowThatLies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := scripted(func(s *walsendertest.Stream) error {
			row := pgoutputtest.OutboxRow()
			row[4] = pgoutput.Value{Kind: pgoutput.Text, Data: make([]byte, 1<<20)}
			insert := pgoutputtest.AppendInsert(nil, pgoutputtest.Outbox().ID, row)
			binary.BigEndian.PutUint32(insert[len(insert)-1<<20-4:], math.MaxInt32)
			all := transaction(0x1000, 1)
			all[2] = insert
			go func() { _ = s.Raw(frames(all...)) }()
			var got []walsendertest.Status
			return walsendertest.Record(s, &got)
		})
		stream := walsendertest.Open(t, server)
		stream.Bound(100<<10, keepNone{})
		err := stream.Run(t.Context(), nil, &walsendertest.Sink{})
		if _, ok := errors.AsType[*pgoutput.DecodeError](err); !ok {
			t.Errorf("ended with %v", err)
		}
		stream.Close()
	})
}
