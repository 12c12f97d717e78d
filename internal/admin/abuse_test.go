package admin_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/admin"
)

// dial opens a connection that ends with the test.
func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// closed waits until the server has closed a connection, and gives what it said.
func closed(t *testing.T, conn net.Conn) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the connection is still open; it said %q", answer)
	}
	return string(answer) // a reset is an end too
}

// Who is slow, or sends what is too large, or asks for a change, gets no more than
// a connection for some seconds; others are answered meanwhile.
func TestRow66_AbuseOfTheAdminServer(t *testing.T) {
	t.Parallel()
	server, _ := serve(t, admin.Handler(nil, nil, nil))
	address := server.Address()
	if host, _, err := net.SplitHostPort(address); err != nil || !net.ParseIP(host).IsLoopback() {
		t.Errorf("%s is no loopback address: %v", address, err)
	}
	began := time.Now()
	silent, slow, half := dial(t, address), dial(t, address), dial(t, address)
	for conn, text := range map[net.Conn]string{
		slow: "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ", half: "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nx",
	} {
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/healthz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("another client is not answered: %v", err)
	}
	_ = resp.Body.Close()
	if answer := closed(t, half); !strings.Contains(answer, " 405 ") {
		t.Errorf("a huge body was answered with %q", answer)
	}
	closed(t, silent)
	closed(t, slow)
	if took := time.Since(began); took > time.Minute {
		t.Errorf("slow clients were held for %v", took)
	}
	long := dial(t, address)
	if _, err := io.WriteString(long, "GET /"+strings.Repeat("x", 64<<10)+" HTTP/1.1\r\nHost: x\r\n\r\n"); err == nil {
		if answer := closed(t, long); !strings.Contains(answer, " 431 ") {
			t.Errorf("a long path was answered with %q", answer[:min(len(answer), 100)])
		}
	}
	if err := server.Shutdown(context.WithoutCancel(t.Context())); err != nil {
		t.Errorf("Shutdown after abuse: %v", err)
	}
}
