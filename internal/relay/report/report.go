// Package report is what a relay says of itself: its state, what its goroutines saw last,
// and the conditions that follow from both.
package report
