package devstack

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"
)

// Ports are taken below Linux' ephemeral range (32768 and up), where an outgoing connection of anybody could sit on the
// port of a server that is down for a moment.
const (
	lowestPort  = 15000
	highestPort = 32000
)

// loopback is the only address that servers listen on.
const loopback = "127.0.0.1"

// ports are numbers that no other devstack takes until they are given back, also while their server is down. Who else
// may listen there is not bound by that: who binds one must be ready to lose the race and ask again.
type ports struct {
	numbers []int
	held    []io.Closer
}

// freePorts reserves n ports that nobody listened on a moment ago.
func freePorts(ctx context.Context, n int) (*ports, error) {
	p := &ports{}
	for range 1000 {
		if len(p.numbers) == n {
			return p, nil
		}
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		held, err := reserve(ctx, port)
		if err != nil {
			continue
		}
		p.numbers, p.held = append(p.numbers, port), append(p.held, held)
	}
	p.release()
	return nil, fmt.Errorf("no %d free ports on %s between %d and %d", n, loopback, lowestPort, highestPort)
}

// reserve takes a port for us among all processes of the network namespace: by an abstract Unix socket of its number,
// which the kernel takes away from a process that ends. Only Linux has them; elsewhere chance must do.
func reserve(ctx context.Context, port int) (io.Closer, error) {
	var config net.ListenConfig
	var held io.Closer = io.NopCloser(nil)
	if runtime.GOOS == "linux" {
		l, err := config.Listen(ctx, "unix", "@walpost-port-"+strconv.Itoa(port))
		if err != nil {
			return nil, err
		}
		held = l
	}
	l, err := config.Listen(ctx, "tcp", address(port))
	if err != nil {
		_ = held.Close() // it only marks the port
		return nil, err
	}
	return held, l.Close()
}

// release gives the ports back.
func (p *ports) release() {
	for _, l := range p.held {
		_ = l.Close() // it only marks the port
	}
	p.held = nil
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// FreeAddress is an address, host:port, that nobody listens on, and that no server of any devstack takes until it is
// given back.
func FreeAddress(ctx context.Context) (addr string, release func(), err error) {
	p, err := freePorts(ctx, 1)
	if err != nil {
		return "", nil, err
	}
	return address(p.numbers[0]), p.release, nil
}
