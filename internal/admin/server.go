package admin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Limits of a request. Nobody sends more than a few headers, and no body.
const (
	headerTimeout  = 5 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 16 << 10
)

// Server is a listener that is open, and what answers on it.
type Server struct {
	listener net.Listener
	http     *http.Server
}

// Listen opens the address, host:port; port 0 is any free one. names are globs of host
// names under which it is asked, beside those that cannot be a stranger's. The error
// says why it cannot be opened.
func Listen(ctx context.Context, address string, names []string, handler http.Handler) (*Server, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	open := &connections{last: make(map[net.Conn]uint64)}
	return &Server{listener: listener, http: &http.Server{
		Handler:           newHosts(address, listener.Addr(), names).check(handler),
		ConnState:         open.changed,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       headerTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}}, nil
}

// Address is the address that is open, host:port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Serve answers until Shutdown (nil), or until the listener breaks.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Shutdown closes the listener and waits, until ctx ends, for requests that are
// being answered.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}
