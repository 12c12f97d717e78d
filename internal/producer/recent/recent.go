// Package recent remembers the last things that it was given, within a bound.
//
// It depends on nothing.
package recent

// Set remembers between maxYoung and twice as many: it forgets half of them at a time. The
// zero value is ready. It is not safe for concurrent use.
type Set[K comparable] struct{ young, old map[K]struct{} }

const maxYoung = 500

// Has reports whether the set remembers k.
func (s *Set[K]) Has(k K) bool {
	_, young := s.young[k]
	_, old := s.old[k]
	return young || old
}

// Add remembers k.
func (s *Set[K]) Add(k K) {
	if len(s.young) >= maxYoung {
		s.old, s.young = s.young, nil
	}
	if s.young == nil {
		s.young = map[K]struct{}{}
	}
	s.young[k] = struct{}{}
}

// Forget forgets k.
func (s *Set[K]) Forget(k K) {
	delete(s.young, k)
	delete(s.old, k)
}
