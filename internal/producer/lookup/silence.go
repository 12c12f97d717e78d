package lookup

import "time"

// Silence is the time within which some broker must answer. Asking another one does not
// begin it anew. The zero value has not begun.
type Silence struct{ timer *time.Timer }

// Begin calls f after d, unless End is called before. While it runs Begin does nothing.
func (s *Silence) Begin(d time.Duration, f func()) {
	if s.timer == nil {
		s.timer = time.AfterFunc(d, f)
	}
}

// End notes an answer.
func (s *Silence) End() {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
}
