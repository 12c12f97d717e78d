//go:build !unix

package cli

// disableCoreDumps does nothing: only Unix has core files.
func disableCoreDumps() {}
