package cli_test

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/cli/clitest"
)

// systemd hears that walpost runs, also while its servers are away, that it lives,
// and that it stops.
func TestSystemdIsTold(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	heard := func(begins string) string {
		t.Helper()
		b := make([]byte, 4096)
		n, err := conn.Read(b)
		if err != nil || !strings.HasPrefix(string(b[:n]), begins) {
			t.Fatalf("%q %v, want %s", b[:n], err, begins)
		}
		return string(b[:n])
	}
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", "500000")
	nobody := "127.0.0.1:1" // nobody listens there
	r := clitest.Start(t, "run", "-c", write(t, "name: orders\npostgres: {url: \"postgres://w@"+nobody+"/shop\"}\nkafka: {brokers: [\""+nobody+"\"]}\nadmin: {listen: \"\"}\n"))
	heard("READY=1\nSTATUS=orders: connecting")
	for range 3 {
		if text := heard("WATCHDOG=1\nSTATUS=orders: connecting: "); !strings.Contains(text, "refused") {
			t.Errorf("it does not say why: %q", text)
		}
	}
	r.Terminate(t)
	if text := heard(""); !strings.HasPrefix(text, "STOPPING=1") && !strings.HasPrefix(text, "WATCHDOG=1") {
		t.Errorf("%q", text)
	} else if strings.HasPrefix(text, "WATCHDOG=1") { // one that was on its way
		heard("STOPPING=1")
	}
	r.Exits(t, 0)
}
