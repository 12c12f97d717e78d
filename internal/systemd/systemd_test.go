package systemd_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walpost/walpost/internal/systemd"
)

// socket is a path for one: it may have 107 bytes, which the folders of a test's own
// can use up.
func socket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "walpost-notify-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "notify")
}

// listen opens the socket that systemd has.
func listen(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func received(t *testing.T, conn *net.UnixConn, want string) {
	t.Helper()
	b := make([]byte, 4096)
	n, err := conn.Read(b)
	if err != nil || string(b[:n]) != want {
		t.Errorf("%q %v, want %q", b[:n], err, want)
	}
}

type environment map[string]string

func (e environment) get(name string) string { return e[name] }

func notifier(t *testing.T, e environment) *systemd.Notifier {
	t.Helper()
	n, err := systemd.FromEnvironment(e.get)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

func TestEachMessage(t *testing.T) {
	t.Parallel()
	for _, name := range []string{socket(t), fmt.Sprintf("@walpost-test-%d", os.Getpid())} {
		conn := listen(t, name)
		n := notifier(t, environment{"NOTIFY_SOCKET": name})
		if err := n.Ready("orders: connecting\nREADY=0"); err != nil {
			t.Fatal(err)
		}
		received(t, conn, "READY=1")
		received(t, conn, "STATUS=orders: connecting READY=0")
		if err := n.Alive("orders: streaming"); err != nil {
			t.Fatal(err)
		}
		received(t, conn, "WATCHDOG=1")
		received(t, conn, "STATUS=orders: streaming")
		if err := n.Stopping(); err != nil {
			t.Fatal(err)
		}
		received(t, conn, "STOPPING=1")
	}
}

func TestPulseIsTwiceAsFastAsTheWatchdog(t *testing.T) {
	t.Parallel()
	name := socket(t)
	listen(t, name)
	e := environment{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "200000", "WATCHDOG_PID": strconv.Itoa(os.Getpid())}
	n := notifier(t, e)
	synctest.Test(t, func(t *testing.T) { // in virtual time
		began := time.Now()
		beats, stop := n.Pulse()
		defer stop()
		<-beats
		if d := time.Since(began); d != 100*time.Millisecond {
			t.Errorf("the first after %s, want 100ms", d)
		}
	})
	for _, other := range []environment{
		{"NOTIFY_SOCKET": name},
		{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "soon"},
		{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"}, // meant for another process
	} {
		if beats, _ := notifier(t, other).Pulse(); beats != nil {
			t.Errorf("%v: a pulse", other)
		}
	}
}

func TestWithoutSystemd(t *testing.T) {
	t.Parallel()
	n := notifier(t, environment{"WATCHDOG_USEC": "200000"})
	beats, stop := n.Pulse()
	defer stop()
	if n != nil || beats != nil || n.Ready("") != nil || n.Alive("") != nil || n.Stopping() != nil || n.Close() != nil {
		t.Error("a nil notifier does something")
	}
	if _, err := systemd.FromEnvironment(environment{"NOTIFY_SOCKET": "/nowhere/notify"}.get); err == nil {
		t.Error("no error for a socket that is not there")
	}
}
