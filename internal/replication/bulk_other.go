//go:build !linux

package replication

import "net"

// bulkSocket is for Linux, whose poller heeds SO_RCVLOWAT; elsewhere reads are plain.
type bulkSocket struct{}

func openBulkSocket(net.Conn) *bulkSocket { return nil }

func (*bulkSocket) read([]byte) (int, error) { return 0, nil }

func (*bulkSocket) setLowWater(int) error { return nil }
