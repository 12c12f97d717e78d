package report

import (
	"sync"
	"time"

	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/safetext"
	"github.com/walpost/walpost/internal/status"
)

// Observations are what the goroutines of a relay saw last. The zero value is ready, and
// all methods are safe for concurrent use.
type Observations struct {
	mu        sync.Mutex
	slot      *catalog.Slot
	slotAt    time.Time // when the slot was read
	failure   *status.LastError
	postgres  *string // its version
	rejected  time.Time
	aborted   [manyAborted]time.Time // the last Kafka transactions that were aborted
	aborts    int                    // how many there were
	fenced    bool
	prune     error                 // of the last round of outbox.prune
	uncarried []provision.Uncarried // rows that the last round left alone
	expired   string                // the last record that was published and that its topic does not keep
	expiredAt time.Time
	since     map[string]time.Time // by condition: since when it exists
}

// Slot returns the slot as it was last read; nil: not read yet, or it does not exist.
func (o *Observations) Slot() *catalog.Slot {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.slot
}

// SetSlot notes the slot as it is now.
func (o *Observations) SetSlot(slot *catalog.Slot) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.slot, o.slotAt = slot, time.Now()
}

// SlotAge returns how long ago the slot was read.
func (o *Observations) SlotAge() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.Since(o.slotAt)
}

// LastError returns the last failure; nil: there was none.
func (o *Observations) LastError() *status.LastError {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failure
}

// Failed notes a failure.
func (o *Observations) Failed(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failure = &status.LastError{Text: safetext.TruncateText(err.Error()), At: time.Now()}
}

// SetPostgres notes the version of the server.
func (o *Observations) SetPostgres(version string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.postgres = &version
}

// Postgres returns the version of the server; nil: not asked yet.
func (o *Observations) Postgres() *string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.postgres
}

// Rejected notes that a record can never be published.
func (o *Observations) Rejected() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rejected = time.Now()
}

// manyAborted is how many aborted Kafka transactions are a condition.
const manyAborted = 3

// Aborted notes that a Kafka transaction was aborted.
func (o *Observations) Aborted() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.aborted[o.aborts%manyAborted] = time.Now()
	o.aborts++
}

// Fenced notes that another relay has taken over.
func (o *Observations) Fenced() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fenced = true
}

// Pruned notes the result of a round of outbox.prune: the rows that it left alone, or the error.
func (o *Observations) Pruned(stay []provision.Uncarried, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.prune = err
	if err == nil {
		o.uncarried = stay
	}
}

// Expired notes that a record was published which its topic does not keep; what describes it.
func (o *Observations) Expired(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expired, o.expiredAt = text, time.Now()
}
