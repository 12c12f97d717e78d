package replication

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// bulkSocket waits for many bytes with SO_RCVLOWAT (socket(7)): the poller is woken
// when so many are there or the window is full, and not for every segment.
type bulkSocket struct {
	raw      syscall.RawConn
	lowWater int           // as set at the socket
	enough   int           // bytes a read waits for; 0: the round trip was not measured yet
	pace     time.Duration // the minimum time between two reads; 0: the server is not near
	last     time.Time     // of the last read
}

// openBulkSocket returns nil where the connection is not TCP.
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

// read waits for enough bytes, or a full window, and reads what is there. 0 and nil:
// the deadline came first. The low-water mark stays up: a plain read lowers it.
func (s *bulkSocket) read(p []byte) (n int, err error) {
	if s.enough == 0 {
		s.measure()
	}
	if err := s.setLowWater(s.enough); err != nil {
		return 0, err
	}
	var readErr error
	err = s.raw.Read(func(fd uintptr) bool {
		if !readable(fd) {
			return false
		}
		s.keepPace()
		n, readErr = unix.Read(int(fd), p)
		s.adapt(readable(fd))
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

// readable reports whether there is something to read, as the kernel sees it. The kernel
// knows the low-water mark and when the window is full: small segments fill the window
// with fewer bytes, and then no more events would arrive.
func readable(fd uintptr) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return n > 0 || err != nil
}

// measure makes the window small if the round trip is so short that the window does not
// cap the rate. It takes the kernel's shortest round trip of the last minutes, because
// single acknowledgements may be delayed.
func (s *bulkSocket) measure() {
	s.enough = bulkEnough
	_ = control(s.raw, func(fd int) error { // if it fails, the window stays as it is
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil || !near(time.Duration(info.Min_rtt)*time.Microsecond) {
			return err
		}
		if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, nearWindow); err == nil {
			s.enough, s.pace = nearEnough, initialPace
		}
		return err
	})
}

// near reports whether the shortest round trip is that of a nearby server. The round trip
// is 0 if the kernel does not know it.
func near(trip time.Duration) bool { return 0 < trip && trip <= nearTrip }

// keepPace waits until the pace allows a read. A timer of Go would wait for at least a
// millisecond, the unit of the poller.
func (s *bulkSocket) keepPace() {
	if left := s.pace - time.Since(s.last); left > 0 {
		ts := unix.NsecToTimespec(int64(left))
		_ = unix.Nanosleep(&ts, nil) // an interrupted sleep is long enough
	}
	s.last = time.Now()
}

// adapt changes the pace after a read, which has opened the window. If the window is full
// again at once, the sender's kernel had joined many messages: the next read may come
// sooner. If not, the sender sends message by message: the next read comes later.
func (s *bulkSocket) adapt(full bool) {
	if s.pace == 0 {
		return
	}
	step := s.pace / paceStep
	if full {
		step = -step
	}
	s.pace = min(max(s.pace+step, minPace), maxPace)
}

// setLowWater makes a system call only when the mark changes.
func (s *bulkSocket) setLowWater(n int) error {
	if s.lowWater == n {
		return nil
	}
	s.lowWater = n
	return control(s.raw, func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVLOWAT, n)
	})
}
