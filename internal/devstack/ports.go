package devstack

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
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

// freePorts returns n different ports that nobody listened on a moment ago. Who binds them must be ready to lose the
// race and ask again.
func freePorts(ctx context.Context, n int) ([]int, error) {
	ports := make([]int, 0, n)
	var config net.ListenConfig
	for range 1000 {
		if len(ports) == n {
			return ports, nil
		}
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		l, err := config.Listen(ctx, "tcp", address(port))
		if err != nil {
			continue
		}
		defer func() { _ = l.Close() }() //nolint:revive // held until all are chosen, so that they differ
		ports = append(ports, port)
	}
	return nil, fmt.Errorf("no %d free ports on %s between %d and %d", n, loopback, lowestPort, highestPort)
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
