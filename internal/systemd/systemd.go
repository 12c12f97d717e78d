// Package systemd tells systemd how a service of Type=notify is: sd_notify(3).
//
// It knows the datagrams of that protocol and its environment variables. It must
// not know what the service does.
package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/walpost/walpost/internal/safetext"
)

// Notifier sends to the socket of systemd. A nil one sends nothing: walpost was
// started by something else.
type Notifier struct {
	conn     net.Conn
	watchdog time.Duration // 0: systemd does not wait for signs of life
}

// FromEnvironment returns the notifier that NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID
// ask for: nil when the first is not set.
func FromEnvironment(getenv func(string) string) (*Notifier, error) {
	path := getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil, nil //nolint:nilnil // a nil notifier is one
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"}) // @ is an abstract socket, as for systemd
	if err != nil {
		return nil, fmt.Errorf("NOTIFY_SOCKET %s: %w", path, err)
	}
	return &Notifier{conn: conn, watchdog: watchdog(getenv)}, nil
}

// watchdog is after how long without a sign of life systemd ends this process; 0:
// never.
func watchdog(getenv func(string) string) time.Duration {
	if pid := getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	usec, err := strconv.ParseUint(getenv("WATCHDOG_USEC"), 10, 63)
	if err != nil {
		return 0
	}
	return time.Duration(usec) * time.Microsecond
}

// Ready says that the service runs.
func (n *Notifier) Ready(status string) error {
	return errors.Join(n.send("READY=1"), n.send("STATUS="+statusLine(status)))
}

// Stopping says that it ends.
func (n *Notifier) Stopping() error { return n.send("STOPPING=1") }

// Alive says that it lives, and then what `systemctl status` shows: a datagram each,
// so that nothing that is told keeps the sign of life from arriving.
func (n *Notifier) Alive(status string) error {
	alive := n.send("WATCHDOG=1")
	return errors.Join(alive, n.send("STATUS="+statusLine(status)))
}

// Pulse returns a channel that asks for Alive twice in each interval of the watchdog, and
// what ends it. Without a watchdog the channel stays silent.
func (n *Notifier) Pulse() (beats <-chan time.Time, stop func()) {
	if n == nil || n.watchdog/2 <= 0 {
		return nil, func() {}
	}
	tick := time.NewTicker(n.watchdog / 2)
	return tick.C, tick.Stop
}

// Close closes the socket.
func (n *Notifier) Close() error {
	if n == nil {
		return nil
	}
	return n.conn.Close()
}

// send sends one datagram with an assignment. systemd always reads them, so a send
// that would block for long is a fault.
func (n *Notifier) send(assignment string) error {
	if n == nil {
		return nil
	}
	if err := n.conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	_, err := n.conn.Write([]byte(assignment))
	return err
}

// statusLine is a status as systemd takes it: a line, of a length that every datagram
// has room for.
func statusLine(s string) string {
	const limit = 1 << 10
	return safetext.Truncate(safetext.Escape(safetext.OneLine(s)), limit-len("…(1048576 bytes)"))
}
