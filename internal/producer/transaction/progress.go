package transaction

import "time"

// Progress is what a Writer has done, and what it does at the moment.
type Progress struct {
	Committed, Aborted uint64
	Open               time.Time // since when the present transaction is open; zero: none is
	// Waiting is since when the first transaction was opened that should have had what the
	// present one has; zero: nothing waits.
	Waiting time.Time
	Cause   error // why the last one was aborted
}

// Progress returns what the Writer has done so far. Any goroutine may call it.
func (w *Writer) Progress() Progress {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.progress
}

// opens notes that a transaction is open from now on, even if its first request has no answer.
func (w *Writer) opens() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := &w.progress; p.Open.IsZero() {
		p.Open = time.Now()
		if p.Waiting.IsZero() {
			p.Waiting = p.Open
		}
	}
}

// commits notes that the transaction is committed.
func (w *Writer) commits() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.progress.Committed++
	w.progress.Open, w.progress.Waiting = time.Time{}, time.Time{}
}

// aborts notes that the transaction is aborted, and that what it had waits for another.
func (w *Writer) aborts(cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.progress.Aborted++
	w.progress.Open, w.progress.Cause = time.Time{}, cause
}

// stops notes that no transaction is open: none was begun, or this Writer writes no more.
func (w *Writer) stops() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.progress.Open, w.progress.Waiting = time.Time{}, time.Time{}
}
