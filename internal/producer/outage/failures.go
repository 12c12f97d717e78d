package outage

import (
	"time"

	"github.com/walpost/walpost/internal/lograte"
)

// Failures counts failures that follow one another, to log the first at once, the others
// rarely, and the end. The zero value is ready. It is not safe for concurrent use.
type Failures struct {
	since time.Time
	count int
	by    int32
	lines lograte.Line
}

// Failed counts a failure of a partition, and reports whether it is to be logged.
func (f *Failures) Failed(by int32) (count int, log bool) {
	if f.count == 0 {
		f.since, f.by = time.Now(), by
	}
	f.count++
	return f.count, f.lines.Allow()
}

// Ended returns how many failures there were, and since when, once the partition that failed
// first has succeeded; 0 otherwise.
func (f *Failures) Ended(by int32) (count int, since time.Time) {
	if f.count == 0 || f.by != by {
		return 0, time.Time{}
	}
	count, since = f.count, f.since
	*f = Failures{}
	return count, since
}
