//go:build faults && soak

package killed_test

// The longest form, of `make soak`.
const kills = 60
