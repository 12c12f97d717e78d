package postgres

import (
	"context"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Target is one database to connect to.
type Target struct {
	// URL returns the libpq URL, several hosts allowed. It is called at each
	// connect, so that a changed file is seen.
	URL func() (string, error)
	// Password returns the password, at each connect. nil or "": the URL's,
	// PGPASSWORD or ~/.pgpass, in that order.
	Password func() (string, error)
	// ApplicationName is what pg_stat_replication shows; "" is "walpost".
	ApplicationName string
	// Dial replaces the network, for tests. nil: TCP with keepalive, or a Unix
	// socket. With Dial set host names are not resolved.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	server string // the one address of the URL's that may answer, as Near sets it; "" is any
}

// Replication opens a connection that understands replication commands and
// simple-protocol SQL (replication=database). Errors are *Error.
func (t Target) Replication(ctx context.Context) (*pgconn.PgConn, error) {
	return t.ReplicationWith(ctx, func(*pgconn.Config) {})
}

// ReplicationWith is Replication for a caller that takes the connection over: configure
// may replace how the connection is dialed and read.
func (t Target) ReplicationWith(ctx context.Context, configure func(*pgconn.Config)) (*pgconn.PgConn, error) {
	cfg, err := t.Config(map[string]string{
		"application_name": t.applicationName(),
		"replication":      "database",
	})
	if err != nil {
		return nil, err
	}
	configure(&cfg.Config)
	conn, err := pgconn.ConnectConfig(ctx, &cfg.Config)
	if err != nil {
		return nil, connectError(&cfg.Config, err)
	}
	if err := settle(ctx, conn, true); err != nil {
		_ = conn.Close(context.WithoutCancel(ctx)) // nothing was done on it
		return nil, err
	}
	return conn, nil
}

// SQL opens a plain connection with the same settings. Errors are *Error.
func (t Target) SQL(ctx context.Context) (*pgx.Conn, error) {
	cfg, err := t.Config(map[string]string{"application_name": t.applicationName()})
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, connectError(&cfg.Config, err)
	}
	if err := settle(ctx, conn.PgConn(), false); err != nil {
		_ = conn.Close(context.WithoutCancel(ctx)) // nothing was done on it
		return nil, err
	}
	return conn, nil
}

// Address returns host:port of the URL's hosts, or the one of Near, "" when the URL cannot be read: for
// messages and labels.
func (t Target) Address() string {
	cfg, err := t.Config(nil)
	if err != nil {
		return ""
	}
	if t.server != "" {
		return t.server
	}
	return places(&cfg.Config)
}

func (t Target) applicationName() string {
	if t.ApplicationName == "" {
		return "walpost"
	}
	return t.ApplicationName
}
