// Package status is what is said of a relay: its states, its conditions with severity
// and hint, its report, the halt that only an operator ends, and the exit codes.
package status
