// Package lograte keeps what happens again and again from filling the log: of each kind
// of line the first is logged at once, and then one from time to time.
//
// It depends on the standard library alone.
package lograte

import (
	"maps"
	"time"
)

// Interval is how often a line that repeats is logged after the first.
const Interval = 30 * time.Second

// Line limits one kind of line. It is ready for use, and not safe for concurrent use. A
// new one begins anew: what comes then is the first.
type Line struct {
	logged     time.Time
	suppressed int
}

// Allow reports whether the line may be logged now.
func (l *Line) Allow() bool {
	_, allowed := l.Count()
	return allowed
}

// Count is Allow, and returns how many lines were not logged since the last one.
func (l *Line) Count() (suppressed int, allowed bool) {
	now := time.Now()
	if l.due(now) {
		suppressed, l.logged, l.suppressed = l.suppressed, now, 0
		return suppressed, true
	}
	l.suppressed++
	return 0, false
}

func (l *Line) due(now time.Time) bool { return l.logged.IsZero() || now.Sub(l.logged) >= Interval }

// Lines limits lines of many kinds, each by itself. It is ready for use, and not safe for
// concurrent use.
type Lines struct {
	// Max is how many kinds are logged within Interval at most: names that rows make up
	// are no bound. 0: there is no such limit.
	Max   int
	kinds map[string]*Line
}

// Allow reports whether a line of this kind may be logged now.
func (l *Lines) Allow(kind string) bool {
	_, allowed := l.Count(kind)
	return allowed
}

// Count is Allow, and returns how many lines of this kind were not logged since the last one.
func (l *Lines) Count(kind string) (suppressed int, allowed bool) {
	line := l.kinds[kind]
	if line == nil {
		if !l.room() {
			return 0, false
		}
		line = &Line{}
		l.kinds[kind] = line
	}
	return line.Count()
}

// room makes room for one more kind, and reports whether there is any.
func (l *Lines) room() bool {
	if l.kinds == nil {
		l.kinds = map[string]*Line{}
	}
	if l.Max > 0 && len(l.kinds) >= l.Max {
		now := time.Now()
		maps.DeleteFunc(l.kinds, func(_ string, line *Line) bool { return line.due(now) })
		return len(l.kinds) < l.Max
	}
	return true
}
