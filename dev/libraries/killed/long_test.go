//go:build faults

package killed_test

// The long form, of `make faults`: about a minute of kills.
const kills = 60
