//go:build !faults

package e2e_test

// How often relays are killed, stopped and fenced in `make test`, and the size of the
// largest transaction.
const (
	exactlyOnceRelays   = 1
	exactlyOnceKills    = 12
	exactlyOnceStops    = 4
	exactlyOnceSwaps    = 2
	exactlyOnceRows     = 50_000
	exactlyOnceInFlight = "1MiB"
)
