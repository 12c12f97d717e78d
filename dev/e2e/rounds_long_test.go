//go:build faults && !soak

package e2e_test

// How often relays are killed, stopped and fenced in `make faults`, and the sizes of the
// largest transactions.
const (
	subtransactions = 3_000 // each of 100 rows

	exactlyOnceRelays   = 2
	exactlyOnceKills    = 30
	exactlyOnceStops    = 8
	exactlyOnceSwaps    = 4
	exactlyOnceRows     = 300_000
	exactlyOnceInFlight = "8MiB"
)
