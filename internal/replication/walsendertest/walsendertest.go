// Package walsendertest is a walsender that plays what a test tells it to, over a
// connection in memory: for faults and times that a real server cannot be made to
// show. It speaks the protocol: startup, IDENTIFY_SYSTEM, the query of slot and
// settings, START_REPLICATION, then what the script sends.
package walsendertest

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
)

// Server answers connections as a Postgres with one slot.
type Server struct {
	SystemID      string
	Timeline      int
	Confirmed     pgoutput.LSN
	SenderTimeout time.Duration
	IdleTimeout   time.Duration // idle_replication_slot_timeout
	// Script plays one stream: it sends and receives until it returns, which
	// closes the connection.
	Script func(s *Stream) error
	// Answer, where it is set, is asked first with each query. It reports whether it has
	// answered; an error closes the connection.
	Answer func(c *Conversation, query string) (answered bool, err error)

	mu     sync.Mutex
	faults []error
}

// Status is a standby status update as it arrived.
type Status struct {
	Write, Flush, Apply pgoutput.LSN
	ReplyRequested      bool
}

// Dial is for postgres.Target.Dial.
func (s *Server) Dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		if err := s.serve(server); err != nil {
			s.mu.Lock()
			s.faults = append(s.faults, err)
			s.mu.Unlock()
		}
		_ = server.Close()
	}()
	return client, nil
}

// Faults are the errors of connections and scripts so far.
func (s *Server) Faults() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]error(nil), s.faults...)
}

func (s *Server) serve(conn net.Conn) error {
	be := pgproto3.NewBackend(conn, conn)
	if _, err := be.ReceiveStartupMessage(); err != nil {
		return err
	}
	be.Send(&pgproto3.AuthenticationOk{})
	be.Send(&pgproto3.ParameterStatus{Name: "server_version", Value: "17.0"})
	be.Send(&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: []byte{0, 0, 0, 1}})
	be.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if err := be.Flush(); err != nil {
		return err
	}
	for {
		m, err := be.Receive()
		if err != nil {
			return nil //nolint:nilerr // the client has gone
		}
		q, ok := m.(*pgproto3.Query)
		if !ok {
			return nil
		}
		if answered, err := s.answer(be, q.String); err != nil {
			return err
		} else if answered {
			continue
		}
		switch {
		case strings.HasPrefix(q.String, "IDENTIFY_SYSTEM"):
			s.row(be, s.SystemID, fmt.Sprint(s.Timeline), s.Confirmed.String(), "db")
			be.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		case strings.HasPrefix(q.String, "START_REPLICATION"):
			be.Send(&pgproto3.CopyBothResponse{})
			if err := be.Flush(); err != nil {
				return err
			}
			return s.Script(&Stream{be: be, conn: conn})
		case strings.HasPrefix(q.String, "SELECT pg_catalog.current_setting("):
			var values []string
			for _, setting := range postgres.SessionSettings() {
				values = append(values, setting.Value)
			}
			s.row(be, values...)
			be.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		default:
			s.row(be, fmt.Sprint(s.SenderTimeout.Milliseconds()), fmt.Sprint(time.Now().UnixMicro()),
				fmt.Sprint(s.IdleTimeout.Milliseconds()))
			s.row(be, "f", s.Confirmed.String())
			be.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		}
		if err := be.Flush(); err != nil {
			return err
		}
	}
}

// Conversation is a connection before its stream begins.
type Conversation struct{ be *pgproto3.Backend }

// Row answers a query with one row.
func (c *Conversation) Row(values ...string) error {
	(*Server)(nil).row(c.be, values...)
	c.be.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	return c.be.Flush()
}

// Error answers a query with an error of this SQLSTATE.
func (c *Conversation) Error(code, message string) error {
	c.be.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: code, Message: message})
	c.be.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	return c.be.Flush()
}

// Silence gives no answer, until the client has gone.
func (c *Conversation) Silence() {
	for {
		if _, err := c.be.Receive(); err != nil {
			return
		}
	}
}

func (s *Server) answer(be *pgproto3.Backend, query string) (bool, error) {
	if s.Answer == nil {
		return false, nil
	}
	return s.Answer(&Conversation{be}, query)
}

func (*Server) row(be *pgproto3.Backend, values ...string) {
	d, r := &pgproto3.RowDescription{}, &pgproto3.DataRow{}
	for _, v := range values {
		d.Fields = append(d.Fields, pgproto3.FieldDescription{Name: []byte("c"), DataTypeOID: 25, TypeModifier: -1, DataTypeSize: -1})
		r.Values = append(r.Values, []byte(v))
	}
	be.Send(d)
	be.Send(r)
	be.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
}

// Stream is a running replication, as its script sees it.
type Stream struct {
	mu   sync.Mutex // one sender at a time; one goroutine may receive beside it
	be   *pgproto3.Backend
	conn net.Conn
}

// Send sends decoded changes, each as one XLogData message.
func (s *Stream) Send(messages ...[]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range messages {
		b := make([]byte, 25, 25+len(m))
		b[0] = 'w'
		s.be.Send(&pgproto3.CopyData{Data: append(b, m...)})
	}
	return s.be.Flush()
}

// Keepalive sends a primary keepalive message.
func (s *Stream) Keepalive(lsn pgoutput.LSN, reply bool) error {
	b := make([]byte, 18)
	b[0] = 'k'
	binary.BigEndian.PutUint64(b[1:], uint64(lsn))
	if reply {
		b[17] = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.be.Send(&pgproto3.CopyData{Data: b})
	return s.be.Flush()
}

// Raw sends bytes as they are.
func (s *Stream) Raw(b []byte) error {
	_, err := s.conn.Write(b)
	return err
}

// Left waits until the client ends the stream with CopyDone, and does not answer that.
func (s *Stream) Left() error {
	for {
		m, err := s.be.Receive()
		if err != nil {
			return err
		}
		if _, ok := m.(*pgproto3.CopyDone); ok {
			return nil
		}
	}
}

// Status waits for the next standby status update. ended is true when the client
// ended the stream with CopyDone or closed the connection.
func (s *Stream) Status() (st Status, ended bool, err error) {
	m, err := s.be.Receive()
	if err != nil {
		return st, true, nil // the client has gone
	}
	switch m := m.(type) {
	case *pgproto3.CopyDone:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.be.Send(&pgproto3.CopyDone{})
		return st, true, s.be.Flush()
	case *pgproto3.CopyData:
		b := m.Data
		if len(b) != 34 || b[0] != 'r' {
			return st, false, fmt.Errorf("not a status update: %x", b)
		}
		return Status{
			Write: pgoutput.LSN(binary.BigEndian.Uint64(b[1:])), Flush: pgoutput.LSN(binary.BigEndian.Uint64(b[9:])),
			Apply: pgoutput.LSN(binary.BigEndian.Uint64(b[17:])), ReplyRequested: b[33] == 1,
		}, false, nil
	default:
		return st, false, fmt.Errorf("unexpected %T in a stream", m)
	}
}
