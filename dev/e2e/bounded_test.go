package e2e_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// An id of 1 MB, and a topic of as much, halt their own relay, and stand nowhere as
// a whole: neither in the log, nor in the pages, nor in what systemd is told, whose
// watchdog goes on to hear of the other relay.
func TestRow125_IDOf1MB(t *testing.T) {
	t.Parallel()
	halts, goes := newHarness(t, nil), newHarness(t, nil)
	halts.Exec(t, "ALTER TABLE outbox DROP CONSTRAINT outbox_pkey, ALTER id TYPE text") // no index takes such an id
	name := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	cmd := exec.CommandContext(t.Context(), build(t), "run", "-c", folder(t, halts.Config.File, goes.Config.File))
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+name, "WATCHDOG_USEC=400000")
	p := &process{clitest.StartCommand(t, cmd)}
	p.Ready(t)
	halts.Exec(t, relaytest.Insert("k", 1),
		"INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload) VALUES (repeat('i', 1048000), repeat('bad topic!', "+
			"100000), 'k', 'Created', '{}')")
	p.Until(t, "the relay to halt", func() bool {
		_, body := p.Get(t, "/readyz")
		return strings.Contains(body, "halted: ")
	})
	for _, page := range []string{"/readyz", "/status", "/metrics", "/"} {
		if _, body := p.Get(t, page); len(body) > 256<<10 || strings.Contains(body, strings.Repeat("i", 300)) {
			t.Errorf("%s has %d bytes", page, len(body))
		}
	}
	if code, body := p.Get(t, "/status"); code != http.StatusOK || !strings.Contains(body, "iii…(1048000 bytes)") {
		t.Errorf("/status does not name the row: %d %.2000s", code, body)
	}
	heardOfHalt(t, socket)
	goes.Exec(t, relaytest.Insert("k", 1))
	goes.confirmed(t, p)
	p.Terminate(t)
	p.Exits(t, 0)
	for line := range strings.Lines(p.Log.String()) {
		if len(line) > 16<<10 {
			t.Errorf("a line of the log has %d bytes: %.300s", len(line), line)
		}
	}
}

// heardOfHalt waits for a status that tells of the halt, and for signs of life after
// it, in datagrams that are all short.
func heardOfHalt(t *testing.T, socket *net.UnixConn) {
	t.Helper()
	if err := socket.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64<<10)
	for halted, alive := false, 0; !halted || alive < 3; {
		n, err := socket.Read(b)
		if err != nil {
			t.Fatalf("systemd heard %d signs of life after the halt, of the halt itself: %v; %v", alive, halted, err)
		}
		if n > 1100 {
			t.Errorf("a datagram of %d bytes", n)
		}
		switch text := string(b[:n]); {
		case strings.HasPrefix(text, "STATUS=") && strings.Contains(text, ": halted: "):
			halted = true
		case halted && text == "WATCHDOG=1":
			alive++
		}
	}
}
