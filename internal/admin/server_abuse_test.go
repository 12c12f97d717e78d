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
		slow: "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		half: "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nx",
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

// request asks under a name, as a browser does to which a stranger's name leads here,
// and gives the whole answer.
func request(t *testing.T, address, path, host string) string {
	t.Helper()
	conn := dial(t, address)
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return closed(t, conn)
}

// A page of a stranger that lets its own name lead here reads nothing.
func TestRow131_HostOfAStranger(t *testing.T) {
	t.Parallel()
	server, _ := serve(t, admin.Handler(nil, metrics(), admin.NewHistory(nil)))
	for _, path := range []string{"/", "/readyz", "/metrics", "/status", "/history", "/nothing"} {
		answer := request(t, server.Address(), path, "evil.example:9464")
		if !strings.HasPrefix(answer, "HTTP/1.1 421 ") || !strings.Contains(answer, `"evil.example:9464" is no name of this server`) ||
			!strings.Contains(answer, "admin.hosts") || !strings.Contains(answer, "X-Content-Type-Options: nosniff") {
			t.Errorf("%s: %.200s", path, answer)
		}
	}
	long := request(t, server.Address(), "/status", strings.Repeat("evil", 1000))
	if !strings.HasPrefix(long, "HTTP/1.1 421 ") || len(long) > 1000 {
		t.Errorf("%d bytes for a long name", len(long))
	}
	if answer := request(t, server.Address(), "/healthz", "probe.example"); !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
		t.Errorf("a probe with a name of its own: %s", answer)
	}
	for _, host := range []string{server.Address(), "localhost"} {
		if answer := request(t, server.Address(), "/metrics", host); !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
			t.Errorf("%s: %s", host, answer)
		}
	}
}

// However many connections somebody holds, silent, slow or idle, there is one for a
// probe at once, and a bounded number in all.
func TestRow132_ManyConnections(t *testing.T) {
	t.Parallel()
	server, _ := serve(t, admin.Handler(nil, metrics(), nil))
	kinds := []string{"", "GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"}
	var held []net.Conn
	for n := range 300 {
		conn := dial(t, server.Address())
		_, _ = io.WriteString(conn, kinds[n%len(kinds)]) // it may be closed already
		held = append(held, conn)
	}
	for range 10 {
		if answer := request(t, server.Address(), "/healthz", "localhost"); !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
			t.Fatalf("a probe is answered with %q", answer)
		}
	}
	ends := make(chan struct{}, len(held))
	for _, conn := range held {
		go func() {
			_, _ = io.Copy(io.Discard, conn)
			ends <- struct{}{}
		}()
	}
	const maxOpen = 64
	patience, cancel := context.WithTimeout(t.Context(), time.Minute) // less than an idle connection has
	defer cancel()
	for n := range len(held) - maxOpen {
		select {
		case <-ends:
		case <-patience.Done():
			t.Fatalf("%d of %d connections are open", len(held)-n, len(held))
		}
	}
}
