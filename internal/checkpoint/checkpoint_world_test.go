package checkpoint_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/walpost/walpost/internal/checkpoint"
	"github.com/walpost/walpost/internal/pgoutput"
)

// txn is a transaction in the WAL; row names are unique for ever.
type txn struct {
	commit, end pgoutput.LSN
	rows        []int
}

// position is what the relay remembers to skip what it has read.
type position struct {
	commit  pgoutput.LSN
	ordinal int
}

func (p position) before(q position) bool {
	return p.commit < q.commit || p.commit == q.commit && p.ordinal < q.ordinal
}

// world is a server with its WAL and slot, a relay that reads it over connections
// that break, and a Kafka that acknowledges in any order. It keeps no entries and
// no numbers of transactions: whether a confirmed LSN is right it asks of the WAL.
type world struct {
	tr *checkpoint.Tracker

	wal     []txn
	walEnd  pgoutput.LSN
	rows    int // rows ever written
	flushed []pgoutput.LSN

	next     int // transaction the walsender sends next
	ordinal  int // rows of it that were sent
	inside   bool
	sent     pgoutput.LSN // sentPtr
	received pgoutput.LSN // highest LSN received on this timeline
	floor    pgoutput.LSN // reported on this connection

	pos     position
	events  []int        // row of each event number, from 1
	acked   map[int]bool // indexes of events
	inKafka map[int]bool // rows, whoever published them
	commits []mark       // read on this connection
	held    bool
}

// mark is a commit, and how many events had been given out when it was read.
type mark struct {
	events uint64
	end    pgoutput.LSN
}

func newWorld() *world {
	return &world{
		tr: begin(), walEnd: 100, flushed: []pgoutput.LSN{100}, sent: 100, received: 100, floor: 100,
		acked: make(map[int]bool), inKafka: make(map[int]bool),
	}
}

// write commits a transaction, adjacent to the one before or with other WAL between.
func (w *world) write(t *rapid.T) {
	commit := w.walEnd + pgoutput.LSN(rapid.IntRange(0, 3).Draw(t, "gap"))
	x := txn{commit: commit, end: commit + 2}
	for range rapid.IntRange(0, 3).Draw(t, "rows") {
		w.rows++
		x.rows = append(x.rows, w.rows)
	}
	w.wal = append(w.wal, x)
	w.walEnd = x.end
}

// read receives one message: Begin, a row, or Commit.
func (w *world) read(t *rapid.T) {
	if w.next == len(w.wal) {
		return
	}
	x := w.wal[w.next]
	switch {
	case !w.inside:
		w.inside, w.ordinal = true, 0
	case w.ordinal < len(x.rows):
		w.ordinal++
		if at := (position{x.commit, w.ordinal}); w.pos.before(at) {
			w.pos = at
			w.publish(t, x.rows[w.ordinal-1])
		}
	default:
		w.tr.Commit(x.end)
		if !w.held {
			w.commits = append(w.commits, mark{uint64(len(w.events)), x.end})
		}
		w.inside = false
		w.next++
		w.sent = max(w.sent, x.end)
		w.received = max(w.received, x.end)
	}
}

// publish gives a row an event, or refuses it; a refused row is never acknowledged.
func (w *world) publish(t *rapid.T, row int) {
	if !w.held && rapid.IntRange(0, 99).Draw(t, "refuse") == 99 {
		w.held = true
		w.tr.Freeze()
		return
	}
	w.events = append(w.events, row)
	if n := w.tr.Event(); n != uint64(len(w.events)) {
		t.Fatalf("event %d, want %d", n, len(w.events))
	}
}

// keepalive carries the end of what was decoded, which may be other WAL.
func (w *world) keepalive(t *rapid.T) {
	if w.inside {
		return
	}
	limit := w.walEnd
	if w.next < len(w.wal) {
		limit = w.wal[w.next].commit
	} else {
		limit += 2
	}
	w.sent = pgoutput.LSN(rapid.Uint64Range(uint64(w.sent), uint64(max(w.sent, limit))).Draw(t, "sent"))
	w.walEnd = max(w.walEnd, w.sent)
	w.received = max(w.received, w.sent)
	w.tr.Keepalive(w.sent)
}

// ack acknowledges one event, at the watermark or a little above it.
func (w *world) ack(t *rapid.T) {
	event := int(w.watermark()) - 1 + rapid.IntRange(0, 2).Draw(t, "above")
	if event < len(w.events) {
		w.acknowledge(event)
	}
}

func (w *world) acknowledge(event int) {
	w.acked[event] = true
	w.inKafka[w.events[event]] = true
}

// connect begins a new connection at an LSN the slot holds.
func (w *world) connect(at pgoutput.LSN) {
	w.flushed = []pgoutput.LSN{at}
	w.commits = nil
	w.inside, w.sent, w.floor = false, at, at
	w.received = max(w.received, at)
	w.next = 0
	for w.next < len(w.wal) && w.wal[w.next].commit < at {
		w.next++
	}
}

// cut loses the connection; the server may have forgotten what was confirmed late.
func (w *world) cut(t *rapid.T) {
	at := rapid.SampledFrom(w.flushed).Draw(t, "flushed")
	w.connect(at)
	w.tr.Restart(at)
}

// takeover: another relay publishes and confirms up to some transaction.
func (w *world) takeover(t *rapid.T) {
	if w.held || len(w.wal) == 0 {
		return
	}
	last := rapid.IntRange(0, len(w.wal)-1).Draw(t, "last")
	at := max(w.wal[last].end, w.floor)
	for _, x := range w.wal {
		if x.commit < at {
			for _, row := range x.rows {
				w.inKafka[row] = true
			}
		}
	}
	w.connect(at)
	w.tr.Restart(at)
}

// failover loses the WAL after a switch point; the slot is somewhere before it.
func (w *world) failover(t *rapid.T) {
	at := rapid.SampledFrom(w.flushed).Draw(t, "flushed")
	keep := rapid.IntRange(0, len(w.wal)).Draw(t, "keep")
	for keep < len(w.wal) && w.wal[keep].commit < at {
		keep++
	}
	w.wal = w.wal[:keep:keep]
	w.walEnd = at
	if keep > 0 {
		w.walEnd = max(at, w.wal[keep-1].end)
	}
	if cut := (position{w.walEnd, 0}); cut.before(w.pos) {
		w.pos = cut
	}
	w.received = at
	w.connect(at)
	w.tr.RestartOnNewTimeline(at)
}

func (w *world) watermark() uint64 {
	for i := range w.events {
		if !w.acked[i] {
			return uint64(i + 1)
		}
	}
	return uint64(len(w.events) + 1)
}

// drain acknowledges all there is: then everything received is confirmed.
func (w *world) drain(t *rapid.T) {
	for i := range w.events {
		w.acknowledge(i)
	}
	if w.held || w.inside {
		return
	}
	if got := w.tr.Confirmed(w.watermark()); got < w.sent {
		t.Fatalf("all acknowledged: confirmed %s, want %s at least", got, w.sent)
	}
	if n := w.tr.Outstanding(); n != 0 {
		t.Fatalf("all acknowledged: %d outstanding", n)
	}
}

// check confirms, and asks the WAL whether that was right.
func (w *world) check(t *rapid.T) {
	got := w.tr.Confirmed(w.watermark())
	if got < w.floor {
		t.Fatalf("confirmed %s after %s", got, w.floor)
	}
	if got > w.received {
		t.Fatalf("confirmed %s, received only %s", got, w.received)
	}
	whole := true // so far every transaction of the WAL is acknowledged
	for _, x := range w.wal {
		for _, row := range x.rows {
			if !w.inKafka[row] {
				whole = false
			}
		}
		if x.commit < got && !whole {
			t.Fatalf("confirmed %s: the transaction %s..%s, or one before it, is lost", got, x.commit, x.end)
		}
	}
	for _, c := range w.commits {
		if c.events < w.watermark() && got < c.end {
			t.Fatalf("confirmed %s, want %s at least: all before it is acknowledged", got, c.end)
		}
	}
	w.floor = got
	w.flushed = append(w.flushed, got)
}

// many does something a few times over, and confirms after each.
func (w *world) many(limit int, do func(*rapid.T)) func(*rapid.T) {
	return func(t *rapid.T) {
		for range rapid.IntRange(1, limit).Draw(t, "times") {
			do(t)
			w.check(t)
		}
	}
}

// Connections break rarely enough for something to be in flight when they do.
func (w *world) disturb(t *rapid.T) {
	switch rapid.IntRange(0, 9).Draw(t, "disturb") {
	case 0, 1, 2:
		w.cut(t)
	case 3:
		w.takeover(t)
	case 4:
		w.failover(t)
	case 5:
		w.drain(t)
	}
}

func TestNothingIsLost(t *testing.T) {
	for range 10 {
		rapid.Check(t, func(t *rapid.T) {
			w := newWorld()
			t.Repeat(map[string]func(*rapid.T){
				"":          w.check,
				"write":     w.many(4, w.write),
				"read":      w.many(9, w.read),
				"keepalive": w.keepalive,
				"ack":       w.many(4, w.ack),
				"disturb":   w.disturb,
			})
		})
	}
}
