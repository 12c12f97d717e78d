//go:build !linux

package postgres

import "syscall"

// setUserTimeout does nothing: only Linux has TCP_USER_TIMEOUT. A dead peer is
// then found by keepalive and by the stream's own deadline.
func setUserTimeout(_, _ string, _ syscall.RawConn) error { return nil }
