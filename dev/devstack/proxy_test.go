package devstack_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// startProxy puts a proxy before a server that echoes.
func startProxy(t *testing.T) *devstack.Proxy {
	t.Helper()
	leaks := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		devstacktest.Await(t, "no goroutine to be left", func() bool { return goleak.Find(leaks) == nil })
	})
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { echo.Close() })
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	p, err := devstack.NewProxy(t.Context(), echo.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// dial connects through the proxy; reads and writes end, if nothing else ends them.
func dial(t *testing.T, p *devstack.Proxy) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(devstacktest.Patience))
	return conn, bufio.NewReader(conn)
}

// echo sends a line and returns what comes back and when.
func echo(t *testing.T, conn net.Conn, in *bufio.Reader, line string) time.Duration {
	t.Helper()
	begin := time.Now()
	if _, err := io.WriteString(conn, line+"\n"); err != nil {
		t.Fatal(err)
	}
	back, err := in.ReadString('\n')
	if err != nil || back != line+"\n" {
		t.Fatalf("sent %d bytes, got %d, %v", len(line), len(back), err)
	}
	return time.Since(begin)
}

func TestProxyCutsAndRefuses(t *testing.T) {
	p := startProxy(t)
	conn, in := dial(t, p)
	echo(t, conn, in, "a")
	p.Cut()
	if _, err := in.ReadByte(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("cut: %v, want a reset", err)
	}
	conn, in = dial(t, p)
	echo(t, conn, in, "new connections are welcome")
	p.Refuse()
	if _, err := in.ReadByte(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("refuse: %v, want a reset", err)
	}
	if refused, err := net.Dial("tcp", p.Addr()); err == nil {
		if _, err = refused.Read(make([]byte, 1)); err == nil {
			t.Error("a refused connection brought bytes")
		}
		refused.Close()
	}
	p.Heal()
	conn, in = dial(t, p)
	echo(t, conn, in, "healed")
	if n := p.Connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestProxyHoldsAndDelivers(t *testing.T) {
	p := startProxy(t)
	conn, in := dial(t, p)
	echo(t, conn, in, "a")
	for _, hold := range []func(){p.Blackhole, func() { p.Hold(devstack.ToServer) }, func() { p.Hold(devstack.ToClient) }} {
		hold()
		if _, err := io.WriteString(conn, "held\n"); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if b, err := in.ReadByte(); err == nil {
			t.Fatalf("%q came through", b)
		}
		_ = conn.SetReadDeadline(time.Now().Add(devstacktest.Patience))
		p.Release(devstack.ToServer)
		p.Release(devstack.ToClient)
		if line, err := in.ReadString('\n'); line != "held\n" {
			t.Fatalf("after release %q, %v", line, err)
		}
	}
	p.Hold(devstack.ToClient)
	if _, err := io.WriteString(conn, "lost\n"); err != nil {
		t.Fatal(err)
	}
	p.Cut() // also what is held
	if _, err := in.ReadByte(); err == nil {
		t.Error("held bytes came after a cut")
	}
}

func TestProxyDelaysAndThrottles(t *testing.T) {
	p := startProxy(t)
	conn, in := dial(t, p)
	p.Delay(50 * time.Millisecond)
	if took := echo(t, conn, in, "late"); took < 100*time.Millisecond {
		t.Errorf("with a delay of 50 ms each way the echo took %v", took)
	}
	p.Delay(0)
	p.Throttle(100_000)
	if took := echo(t, conn, in, strings.Repeat("x", 30_000)); took < 300*time.Millisecond {
		t.Errorf("30 kB at 100 kB/s took %v", took)
	}
	p.Heal()
	echo(t, conn, in, strings.Repeat("x", 1<<20))
}

func TestProxyPassesAnEndOfOneSide(t *testing.T) {
	p := startProxy(t)
	conn, in := dial(t, p)
	if _, err := io.WriteString(conn, "last"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(in); string(rest) != "last" || err != nil {
		t.Errorf("got %q, %v", rest, err)
	}
}

// A request that is caught never arrives by itself: its client is reset, and Send delivers it.
func TestProxyCatchesARequest(t *testing.T) {
	t.Parallel()
	p := startProxy(t)
	late, other := []byte("\x00\x00\x00\x04late"), []byte("\x00\x00\x00\x05other")
	p.Catch(func(request []byte) bool { return string(request) == string(late) })
	conn, r := dial(t, p)
	for _, part := range [][]byte{other[:3], other[3:], other} { // also in pieces
		if _, err := conn.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, 2*len(other))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != strings.Repeat(string(other), 2) {
		t.Fatalf("%q, %v", got, err)
	}
	if _, err := conn.Write(late); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadByte(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v, want a reset", err)
	}
	if answer, err := p.Send(t.Context(), late); err != nil || string(answer) != "late" {
		t.Errorf("%q, %v", answer, err)
	}
}
