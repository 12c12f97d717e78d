//go:build !faults

package killed_test

// The short form, of `make test`.
const kills = 6
