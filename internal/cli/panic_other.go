//go:build !unix

package cli

// withoutCore is for Unix: elsewhere there are no core files.
func withoutCore() {}
