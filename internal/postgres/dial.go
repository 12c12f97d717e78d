package postgres

import (
	"context"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// A connection whose peer is gone is given up after about 30 s: keepalive finds
// out when nothing is sent, the user time-out when something is (a status update
// that nobody acknowledges).
const (
	keepAliveIdle     = 15 * time.Second
	keepAliveInterval = 5 * time.Second
	keepAliveCount    = 3
	userTimeout       = 30 * time.Second
)

func setDialer(cfg *pgconn.Config, dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	if dial != nil {
		cfg.DialFunc = dial
		cfg.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
		return
	}
	dialer := &net.Dialer{
		Timeout: cfg.ConnectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount,
		},
		Control: setUserTimeout,
	}
	cfg.DialFunc = dialer.DialContext
}

func hostPort(host string, port uint16) string {
	if network, address := pgconn.NetworkAddress(host, port); network == "unix" {
		return address
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
