package main

import (
	"maps"
	"sync"
)

// ledger is the order service's own book: what became of each event it wrote. It is kept apart from the database, so
// that the two can be compared.
type ledger struct {
	mu    sync.Mutex
	books books
}

// books are the entries of a ledger, by the events' ids.
type books struct {
	committed  map[string]struct{}
	rolledBack map[string]struct{}
	commits    int // transactions
	rollbacks  int // transactions
	savepoints int // rolled back
}

func newLedger() *ledger {
	return &ledger{books: books{committed: map[string]struct{}{}, rolledBack: map[string]struct{}{}}}
}

// commit books a transaction whose COMMIT has returned.
func (l *ledger) commit(ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.books.commits++
	enter(l.books.committed, ids)
}

// rollback books a transaction that was rolled back as a whole.
func (l *ledger) rollback(ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.books.rollbacks++
	enter(l.books.rolledBack, ids)
}

// savepoint books what was rolled back inside a transaction, whatever becomes of the rest.
func (l *ledger) savepoint(ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.books.savepoints++
	enter(l.books.rolledBack, ids)
}

func enter(book map[string]struct{}, ids []string) {
	for _, id := range ids {
		book[id] = struct{}{}
	}
}

// committed is the number of events that are committed by now.
func (l *ledger) committed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.books.committed)
}

// copy is the entries by now.
func (l *ledger) copy() books {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.books
	b.committed, b.rolledBack = maps.Clone(b.committed), maps.Clone(b.rolledBack)
	return b
}
