package replication

import (
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// bulkSocket waits for many bytes with SO_RCVLOWAT (socket(7)): the poller is woken
// when so many are there, and not for every segment.
type bulkSocket struct {
	raw      syscall.RawConn
	lowWater int // as set at the socket
}

// openBulkSocket gives nil where the connection is not TCP.
func openBulkSocket(c net.Conn) *bulkSocket {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return &bulkSocket{raw: raw, lowWater: 1}
}

func control(raw syscall.RawConn, f func(fd int) error) (err error) {
	if e := raw.Control(func(fd uintptr) { err = f(int(fd)) }); e != nil {
		return e
	}
	return err
}

// read waits for bulkEnough bytes and reads them. 0 and nil: the deadline came
// first. The low-water mark stays up: a plain read lowers it.
func (s *bulkSocket) read(p []byte) (n int, err error) {
	if err := s.setLowWater(bulkEnough); err != nil {
		return 0, err
	}
	var readErr error
	err = s.raw.Read(func(fd uintptr) bool {
		if waiting, e := unix.IoctlGetInt(int(fd), unix.TIOCINQ); e == nil && waiting < bulkEnough {
			return false
		}
		n, readErr = unix.Read(int(fd), p)
		return readErr != unix.EAGAIN && readErr != unix.EINTR
	})
	switch {
	case os.IsTimeout(err):
		return 0, nil
	case err != nil:
		return 0, err
	case readErr != nil:
		return 0, os.NewSyscallError("read", readErr)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// setLowWater costs a system call only when it changes.
func (s *bulkSocket) setLowWater(n int) error {
	if s.lowWater == n {
		return nil
	}
	s.lowWater = n
	return control(s.raw, func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVLOWAT, n)
	})
}
