package checkpoint_test

import (
	"testing"

	"github.com/walpost/walpost/internal/checkpoint"
	"github.com/walpost/walpost/internal/pgoutput"
)

func want(t *testing.T, tr *checkpoint.Tracker, watermark uint64, lsn pgoutput.LSN) {
	t.Helper()
	if got := tr.Confirmed(watermark); got != lsn {
		t.Fatalf("watermark %d: confirmed %s, want %s", watermark, got, lsn)
	}
}

// begin returns a Tracker of a slot that is confirmed up to 100.
func begin() *checkpoint.Tracker {
	tr := new(checkpoint.Tracker)
	tr.Restart(100)
	return tr
}

// transaction reads a whole transaction with so many events.
func transaction(tr *checkpoint.Tracker, events int, end pgoutput.LSN) {
	for range events {
		tr.Event()
	}
	tr.Commit(end)
}

func TestLaw1_OnlyTheEndOfAFullyAcknowledgedTransaction(t *testing.T) {
	tr := begin()
	transaction(tr, 2, 200) // 1, 2
	transaction(tr, 1, 300) // 3
	want(t, tr, 1, 100)
	want(t, tr, 2, 100) // one of two
	want(t, tr, 3, 200)
	want(t, tr, 4, 300)
}

func TestLaw1_AnUnfinishedTransactionIsNotConfirmed(t *testing.T) {
	tr := begin()
	transaction(tr, 1, 200)
	tr.Event()
	want(t, tr, 3, 200) // its only row so far is acknowledged, but it goes on
	tr.Event()
	tr.Commit(300)
	want(t, tr, 3, 200)
	want(t, tr, 4, 300)
}

func TestLaw1_KeepaliveOnlyWithNothingOutstanding(t *testing.T) {
	tr := begin()
	tr.Keepalive(150)
	want(t, tr, 1, 150)
	transaction(tr, 1, 200)
	tr.Keepalive(250)
	want(t, tr, 1, 150)
	transaction(tr, 1, 300)
	want(t, tr, 2, 200) // one is acknowledged, the other is not
	tr.Keepalive(350)
	want(t, tr, 2, 200)
	if n := tr.Outstanding(); n != 1 {
		t.Errorf("%d outstanding, want 1", n)
	}
	tr.Event() // the next transaction begins
	want(t, tr, 4, 300)
	if n := tr.Outstanding(); n != 1 {
		t.Errorf("%d outstanding, want 1: the transaction that is being read", n)
	}
	tr.Commit(360)
	want(t, tr, 4, 360)
	transaction(tr, 1, 370)
	tr.Keepalive(380)
	want(t, tr, 4, 360)
	want(t, tr, 5, 380) // remembered, and used when nothing is outstanding
}

func TestLaw1_KeepaliveInTheMiddleOfATransactionIsIgnored(t *testing.T) {
	tr := begin()
	tr.Event()
	tr.Keepalive(500)
	want(t, tr, 2, 100)
	tr.Commit(200)
	want(t, tr, 2, 200)
}

func TestLaw1_EmptyTransactions(t *testing.T) {
	tr := begin()
	tr.Commit(150) // nothing outstanding: at once
	want(t, tr, 1, 150)
	transaction(tr, 1, 200)
	tr.Commit(250) // waits for the one before it
	want(t, tr, 1, 150)
	transaction(tr, 1, 300)
	tr.Commit(350)
	if n := tr.Outstanding(); n != 2 {
		t.Errorf("%d outstanding, want 2: an empty transaction makes no entry", n)
	}
	want(t, tr, 2, 250)
	want(t, tr, 3, 350)
}

func TestLaw1_CutTransactionIsNotConfirmedBeforeItIsWhole(t *testing.T) {
	for _, v := range []struct {
		name string
		rest int // rows of the cut transaction that were not read before
	}{{"rows left", 1}, {"only the commit left", 0}} {
		t.Run(v.name, func(t *testing.T) {
			tr := begin()
			transaction(tr, 1, 200) // 1
			tr.Event()              // 2, of the transaction that ends at 400
			tr.Restart(100)         // the server forgot
			tr.Keepalive(100)       // the first of a connection
			tr.Commit(200)          // read again, row skipped
			tr.Keepalive(300)       // no further than the cut one's commit record
			want(t, tr, 1, 100)
			want(t, tr, 2, 200)
			last := uint64(2 + v.rest)
			transaction(tr, v.rest, 400)
			if v.rest > 0 {
				want(t, tr, last, 200)
			}
			want(t, tr, last+1, 400)
		})
	}
}

func TestLaw1_CutTransactionThatAnotherRelayFinished(t *testing.T) {
	tr := begin()
	tr.Event()
	tr.Restart(500) // it ended before 500 and does not come again
	tr.Keepalive(600)
	want(t, tr, 1, 500)
	want(t, tr, 2, 600) // an idle outbox keeps no WAL back
	if n := tr.Outstanding(); n != 0 {
		t.Errorf("%d outstanding, want 0", n)
	}
}

func TestLaw1_HoldEndsConfirmation(t *testing.T) {
	tr := begin()
	transaction(tr, 1, 200) // 1: complete
	tr.Event()              // 2: its transaction has a refused record
	tr.Freeze()
	tr.Commit(300)
	transaction(tr, 1, 400) // 3
	tr.Keepalive(500)
	want(t, tr, 1, 100)
	want(t, tr, 4, 200)
	tr.Restart(200)
	tr.Commit(300)
	tr.Keepalive(500)
	want(t, tr, 4, 200)
}

func TestLaw1_HoldOnTheFirstRowOfATransaction(t *testing.T) {
	tr := begin()
	tr.Freeze()
	tr.Commit(200)
	tr.Keepalive(300)
	want(t, tr, 1, 100)
}

func TestLaw3_NeverGoesBack(t *testing.T) {
	tr := begin()
	transaction(tr, 1, 300)
	want(t, tr, 2, 300)
	tr.Keepalive(400)
	tr.Keepalive(350)
	want(t, tr, 2, 400)
	tr.Commit(200)
	want(t, tr, 2, 400)
	want(t, tr, 1, 400) // nor with the watermark
	tr.Commit(500)
	want(t, tr, 2, 500)
	tr.Commit(450)
	want(t, tr, 2, 500)
}

func TestLaw3_RestartBeginsAnewAndKeepsWhatWaits(t *testing.T) {
	tr := begin()
	transaction(tr, 1, 200)
	transaction(tr, 1, 300)
	want(t, tr, 2, 200)
	tr.Restart(100) // the server forgot what it was told
	want(t, tr, 2, 100)
	tr.Commit(200) // read again: does not lower the end of what waits
	want(t, tr, 2, 100)
	want(t, tr, 3, 300)
	tr.Restart(700) // another relay went on
	want(t, tr, 3, 700)
}

func TestLaw3_NewTimelineForgetsLSNs(t *testing.T) {
	tr := begin()
	transaction(tr, 1, 900) // beyond the switch point
	tr.Event()
	tr.RestartOnNewTimeline(150)
	want(t, tr, 3, 150) // 900 means another transaction now
	transaction(tr, 1, 250)
	want(t, tr, 3, 150)
	want(t, tr, 4, 250)
}

// The ring grows, wraps and shrinks to nothing again with every entry in place.
func TestRing(t *testing.T) {
	tr := new(checkpoint.Tracker)
	var read, acked uint64
	for round := range 200 {
		for range round % 37 * 3 {
			read = tr.Event()
			tr.Commit(pgoutput.LSN(read * 10))
		}
		for acked < read && acked%53 != uint64(round%53) {
			acked++
			want(t, tr, acked+1, pgoutput.LSN(acked*10))
		}
		if n := tr.Outstanding(); n != int(read-acked) {
			t.Fatalf("%d outstanding, want %d", n, read-acked)
		}
	}
	want(t, tr, read+1, pgoutput.LSN(read*10))
}

// Steady state: 64 transactions in flight, one in five empty.
func steady() func() {
	tr := begin()
	var lsn pgoutput.LSN = 100
	return func() {
		n := tr.Event()
		lsn += 10
		tr.Commit(lsn)
		if n%5 == 0 {
			tr.Commit(lsn + 5)
		}
		tr.Keepalive(lsn)
		if n > 64 {
			tr.Confirmed(n - 64)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	step := steady()
	for range 200 {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations a transaction", n)
	}
}

func BenchmarkTransaction(b *testing.B) {
	step := steady()
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
}
