//go:build faults && soak

package e2e_test

// How often relays are killed, stopped and fenced in `make soak`, and the sizes of the
// largest transactions.
const (
	subtransactions = 10_000 // each of 100 rows

	exactlyOnceRelays   = 4
	exactlyOnceKills    = 75
	exactlyOnceStops    = 20
	exactlyOnceSwaps    = 12
	exactlyOnceRows     = 1_000_000
	exactlyOnceInFlight = "16MiB"
)
