package faults_test

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
)

// address stands before a server and can be made to lead to another one, as a name
// in DNS or a virtual address does.
type address struct {
	listener net.Listener

	mu    sync.Mutex
	to    string
	conns []net.Conn
}

func newAddress(t *testing.T, server *devstack.Postgres) *address {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &address{listener: listener, to: server.Addr()}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { a.forward(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		a.drop()
		serving.Wait()
	})
	return a
}

func (a *address) addr() string { return a.listener.Addr().String() }

func (a *address) forward(client net.Conn) {
	defer client.Close()
	a.mu.Lock()
	to := a.to
	a.mu.Unlock()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	a.mu.Lock()
	a.conns = append(a.conns, client, server)
	a.mu.Unlock()
	join(client, server)
}

// join passes bytes both ways until both have ended.
func join(client, server net.Conn) {
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	})
	_, _ = io.Copy(server, client)
	_ = server.Close()
	back.Wait()
}

// lead makes new connections go to another server, and closes those there are.
func (a *address) lead(t *testing.T, server *devstack.Postgres) {
	t.Helper()
	a.mu.Lock()
	a.to = server.Addr()
	a.mu.Unlock()
	a.drop()
}

func (a *address) drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.conns {
		_ = c.Close()
	}
	a.conns = nil
}
