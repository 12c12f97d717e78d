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
	r := clitest.Start(t, "run", "-c", unasked("orders").With(keys{"admin.listen": ""}).File(t))
	heard("READY=1")
	heard("STATUS=orders: connecting")
	for why := 0; why < 3; { // the first signs of life may come before the first attempt has failed
		heard("WATCHDOG=1")
		switch text := heard("STATUS=orders: connecting"); {
		case strings.Contains(text, ": connecting: ") && strings.Contains(text, "refused"):
			why++
		case why > 0 || text != "STATUS=orders: connecting":
			t.Fatalf("it does not say why: %q", text)
		}
	}
	r.Terminate(t)
	for heard("") != "STOPPING=1" { // signs of life were on their way
	}
	r.Exits(t, 0)
}
