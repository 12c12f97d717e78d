//go:build !unix

package daemon

// disableCoreDumps does nothing: only Unix has core files.
func disableCoreDumps() {}
