//go:build faults && !soak

package killed_test

// The long form, of `make faults`: about half a minute of kills.
const kills = 25
