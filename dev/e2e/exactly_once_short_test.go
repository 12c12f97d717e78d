//go:build !faults

package e2e_test

// How often a relay is killed, and fenced, in `make test`.
const (
	exactlyOnceKills = 12
	exactlyOnceSwaps = 3
)
