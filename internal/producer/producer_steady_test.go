package producer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/checkpoint"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/pgoutput/pgoutputtest"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/topicname"
)

// way is the whole way of a row but for the two connections: from the bytes of the
// stream to what sarama encodes from, and back to the LSN that may be confirmed.
type way struct {
	decoder  *pgoutput.Decoder
	router   *router.Router
	tracker  checkpoint.Tracker
	producer *producer.Offline
	at       record.Position
}

const rowsPerTransaction = 100

func newWay(tb testing.TB) *way {
	tb.Helper()
	r, err := router.New(router.Mapping{
		Topic: topicname.Template{{Column: "aggregatetype"}}, ID: "id", Key: "aggregateid", Value: "payload",
		Headers: []router.HeaderColumn{{Name: "eventType", Column: "type"}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return &way{decoder: pgoutput.NewDecoder(), router: r, producer: producer.NewOffline("order", 4, 16<<20)}
}

// transaction is the messages of one, its rows with 250 bytes of payload.
func transaction() (relation []byte, messages [][]byte) {
	table := &pgoutput.Relation{ID: 16384, Namespace: "public", Name: "outbox"}
	for _, name := range []string{"id", "aggregatetype", "aggregateid", "type", "payload"} {
		table.Columns = append(table.Columns, pgoutput.Column{Name: name, TypeOID: 25, TypeMod: -1})
	}
	at := time.Unix(1_700_000_000, 0)
	messages = append(messages, pgoutputtest.AppendBegin(nil, &pgoutput.Begin{CommitLSN: 100, CommitTime: at, XID: 7}))
	for i := range rowsPerTransaction {
		row := pgoutputtest.Row(fmt.Sprintf("7d8f3b6e-0000-4000-8000-%012d", i), "order", fmt.Sprintf("key-%d", i%37), "OrderPlaced",
			`{"a": "`+strings.Repeat("x", 241)+`"}`)
		messages = append(messages, pgoutputtest.AppendInsert(nil, table.ID, row))
	}
	messages = append(messages, pgoutputtest.AppendCommit(nil, &pgoutput.Commit{CommitLSN: 100, EndLSN: 110, CommitTime: at}))
	return pgoutputtest.AppendRelation(nil, table), messages
}

func (w *way) take(tb testing.TB, message []byte) {
	tb.Helper()
	m, err := w.decoder.Decode(message)
	if err != nil {
		tb.Fatal(err)
	}
	switch m := m.(type) {
	case *pgoutput.Begin:
		w.at = record.Position{CommitLSN: w.at.CommitLSN + 16}
	case *pgoutput.Insert:
		w.at.Ordinal++
		rec, err := w.router.Route(m, time.UnixMilli(1), w.at)
		if err != nil {
			tb.Fatal(err)
		}
		w.producer.Add(rec, w.tracker.Event(), w.at)
	case *pgoutput.Commit:
		w.tracker.Commit(w.at.CommitLSN + 8)
	}
}

// round is so many transactions, then one request and its acknowledgement.
func (w *way) round(tb testing.TB, messages [][]byte, transactions int) {
	tb.Helper()
	for range transactions {
		for _, m := range messages {
			w.take(tb, m)
		}
	}
	if n := w.producer.Round(); n != transactions*rowsPerTransaction {
		tb.Fatalf("%d records sent, want %d", n, transactions*rowsPerTransaction)
	}
	if lsn := w.tracker.Confirmed(w.producer.Watermark()); lsn != w.at.CommitLSN+8 {
		tb.Fatalf("%s may be confirmed, want %s", lsn, w.at.CommitLSN+8)
	}
}

// In the steady state a request costs a few allocations, and an event none.
func TestSteadyStateAllocatesNothingPerEvent(t *testing.T) {
	w := newWay(t)
	relation, messages := transaction()
	w.take(t, relation)
	w.round(t, messages, 20) // makes the memory that is reused
	requestOf := func(transactions int) float64 {
		return testing.AllocsPerRun(50, func() { w.round(t, messages, transactions) })
	}
	small, large := requestOf(1), requestOf(20)
	if large > small {
		t.Errorf("a request of %d events costs %v allocations, one of %d costs %v: an event allocates",
			20*rowsPerTransaction, large, rowsPerTransaction, small)
	}
	if large > 16 {
		t.Errorf("a request for four partitions costs %v allocations", large)
	}
}

// What a row costs from the stream's bytes to the acknowledgement, without sockets
// and without sarama's encoding.
func BenchmarkWayOfARow(b *testing.B) {
	w := newWay(b)
	relation, messages := transaction()
	w.take(b, relation)
	const transactions = 15 // about the size a request has under load
	b.ReportAllocs()
	events := 0
	for b.Loop() {
		w.round(b, messages, transactions)
		events += transactions * rowsPerTransaction
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}

// What the queues cost a row: in, into a request, acknowledged, out.
func BenchmarkQueue(b *testing.B) {
	for _, payload := range []int{50, 250, 2_000, 16_000, 900_000} {
		b.Run(fmt.Sprintf("payload=%d", payload), func(b *testing.B) {
			p := producer.NewOffline("order", 4, 16<<20)
			rec := &record.Record{
				Topic: "order", Value: make([]byte, payload), Partition: -1,
				Headers: []record.Header{{Name: "id", Value: make([]byte, 36)}, {Name: "eventType", Value: make([]byte, 11)}},
			}
			keys := [4][]byte{[]byte("key-1"), []byte("key-2"), []byte("key-3"), []byte("key-4")}
			perRequest := max(1, 512<<10/(payload+100))
			b.ReportAllocs()
			event := uint64(0)
			for b.Loop() {
				event++
				rec.Key = keys[event%4]
				p.Add(rec, event, record.Position{CommitLSN: pgoutput.LSN(event), Ordinal: 1})
				if int(event)%perRequest == 0 {
					p.Round()
				}
			}
		})
	}
}
