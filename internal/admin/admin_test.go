package admin_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/admin"
	"github.com/walpost/walpost/internal/status"
)

type fake status.Report

func (f *fake) Report() status.Report { return status.Report(*f) }

func metrics() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "walpost_state 1\n") })
}

func ask(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, http.NoBody))
	return w
}

func TestReadyWhenEveryRelayIs(t *testing.T) {
	t.Parallel()
	a := &fake{Relay: "a", State: status.Streaming}
	b := &fake{Relay: "b", State: status.Standby, Reason: "slot \"b\" is\nactive for PID 7"}
	h := admin.Handler([]admin.Relay{a, b}, metrics(), nil)
	if w := ask(h, "GET", "/readyz"); w.Code != 503 || w.Body.String() != "a: streaming\nb: standby: slot \"b\" is active for PID 7\n" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	b.State, b.Reason = status.Throttled, "in_flight is used up"
	if w := ask(h, "GET", "/readyz"); w.Code != 200 {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	b.Conditions = []status.Condition{{Name: status.ConditionRejected}}
	if w := ask(h, "GET", "/readyz"); w.Code != 200 {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	b.Conditions = []status.Condition{{Name: status.ConditionDenied}}
	if w := ask(h, "GET", "/readyz"); w.Code != 503 {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	b.State, b.Reason, b.Hint = status.HaltedState, "slot lost", "walpost check -c FILE"
	if w := ask(h, "GET", "/readyz"); w.Code != 503 || !strings.Contains(w.Body.String(), "b: halted: slot lost; walpost check -c FILE\n") {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if w := ask(h, "GET", "/healthz"); w.Code != 200 {
		t.Errorf("not healthy: %d", w.Code)
	}
}

func TestReadsOnly(t *testing.T) {
	t.Parallel()
	h := admin.Handler(nil, metrics(), admin.NewHistory(nil))
	for _, path := range []string{"/", "/healthz", "/readyz", "/metrics", "/status", "/history"} {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			if w := ask(h, method, path); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
		for _, method := range []string{"GET", "HEAD"} {
			if w := ask(h, method, path); w.Code != 200 || w.Header().Get("X-Content-Type-Options") != "nosniff" ||
				!strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
	}
	for _, path := range []string{"/debug/pprof/", "/debug/vars", "/config", "/healthz/x", "/index.html"} {
		if w := ask(h, "GET", path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func serve(t *testing.T, h http.Handler) (*admin.Server, <-chan error) {
	t.Helper()
	server, err := admin.Listen(t.Context(), "127.0.0.1:0", nil, h)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve() }()
	t.Cleanup(func() { _ = server.Shutdown(context.WithoutCancel(t.Context())) })
	return server, done
}

func TestBindErrorsAreReturned(t *testing.T) {
	t.Parallel()
	first, _ := serve(t, admin.Handler(nil, nil, nil))
	for _, address := range []string{first.Address(), "127.0.0.1:99999", "203.0.113.1:1"} {
		if s, err := admin.Listen(t.Context(), address, nil, nil); err == nil {
			t.Errorf("%s is open twice, or at all: %s", address, s.Address())
		}
	}
}

func TestLargeHeadersAreRefused(t *testing.T) {
	t.Parallel()
	server, _ := serve(t, admin.Handler(nil, nil, nil))
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 64<<10)+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 64)
	n, err := conn.Read(answer)
	if err != nil || !strings.Contains(string(answer[:n]), " 431 ") {
		t.Errorf("%q %v", answer[:n], err)
	}
}

// A request that is being answered is answered; then the server ends without a fault.
func TestShutdownWaitsForAnswers(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}), make(chan struct{})
	server, done := serve(t, admin.Handler(nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-release
		_, _ = io.WriteString(w, "late")
	}), nil))
	body := make(chan string, 1)
	go func() {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+server.Address()+"/metrics", http.NoBody)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			body <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		body <- string(text)
	}()
	<-asked
	ended := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ended <- server.Shutdown(ctx)
	}()
	if err := <-done; err != nil { // the listener is closed, the request is not
		t.Errorf("Serve: %v", err)
	}
	close(release)
	if text := <-body; text != "late" {
		t.Errorf("answered %q", text)
	}
	if err := <-ended; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}
