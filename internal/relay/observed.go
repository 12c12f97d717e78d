package relay

import (
	"sync"
	"time"

	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/safetext"
	"github.com/walpost/walpost/internal/status"
)

// sightings is what goroutines beside the stream have seen last.
type sightings struct {
	mu        sync.Mutex
	slot      *catalog.Slot
	slotAt    time.Time // when the slot was looked at
	failure   *status.LastError
	postgres  *string // its version
	rejected  time.Time
	prune     error                 // of the last round of outbox.prune
	uncarried []provision.Uncarried // rows that the last round left alone
	old       string                // what was published and its topic does not keep, the last time
	oldAt     time.Time
	since     map[string]time.Time // conditions that are there, and since when
}

func (s *sightings) slotStatus() *catalog.Slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.slot
}

func (s *sightings) sawSlot(slot *catalog.Slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slot, s.slotAt = slot, time.Now()
}

func (s *sightings) slotAge() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.slotAt)
}

func (s *sightings) lastError() *status.LastError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

func (s *sightings) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = &status.LastError{Text: safetext.TruncateText(err.Error()), At: time.Now()}
}

func (s *sightings) sawPostgres(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.postgres = &version
}

func (s *sightings) postgresVersion() *string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.postgres
}

func (s *sightings) sawRejected() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = time.Now()
}

func (s *sightings) pruned(stay []provision.Uncarried, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prune = err
	if err == nil {
		s.uncarried = stay
	}
}

func (s *sightings) expired(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.old, s.oldAt = text, time.Now()
}

// sightseer passes on to the observer and remembers what makes a condition.
type sightseer struct {
	Observer
	seen *sightings
}

func (s *sightseer) Rejected(topic, reason string) {
	s.seen.sawRejected()
	s.Observer.Rejected(topic, reason)
}
