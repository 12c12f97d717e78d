package inbox

// Tracker lets a test see what may be committed.
type Tracker struct{ tracker }

// Add takes an offset in and gives what says that it is done.
func (t *Tracker) Add(offset int64) (finish func(mark func(next int64)) (freed int)) {
	r := t.add(offset)
	return func(mark func(next int64)) int { return t.finish(r, mark) }
}

// Pending returns how many records are not below the mark.
func (t *Tracker) Pending() int {
	_, n := t.state()
	return n
}
