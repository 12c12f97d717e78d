package replication

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/walpost/walpost/internal/notify"
	"github.com/walpost/walpost/internal/pgoutput"
)

// Sink is where the stream's content goes. Its methods are called on the
// stream's goroutine; none may wait for Kafka.
type Sink interface {
	// Message accepts a decoded message, which is valid until the call returns. An error
	// ends the stream.
	Message(m pgoutput.Message) error
	// Keepalive accepts the LSN up to which the server has decoded: every
	// transaction that ends at or before it precedes it in the stream.
	Keepalive(lsn pgoutput.LSN)
	// Full reports whether nothing more can be taken at the moment.
	Full() bool
	// Behind reports whether what comes in is not new: reading may wait to read more at once.
	Behind() bool
	// Between reports whether no transaction is taken in part: a planned stop may end here.
	Between() bool
	// Fault returns why the sink can accept nothing more, for good; nil while it can. A
	// fault ends the stream.
	Fault() error
	// Confirmed returns the LSN that may be confirmed now, and whether everything read is
	// acknowledged.
	Confirmed() (lsn pgoutput.LSN, settled bool)
}

// Errors that end a stream without a fault of the server.
var (
	ErrSilent = errors.New("the server has sent nothing for too long")
	ErrEnded  = errors.New("the server ended the stream") // an orderly shutdown
)

const (
	maxStatusPause = 10 * time.Second       // the longest time between two status updates
	minStatusPause = 100 * time.Millisecond // the shortest, while events are under way
	silentRounds   = 6                      // status intervals without a byte after which the server counts as gone, within its own limit
	// silentUnlimited is the same for a server without wal_sender_timeout.
	silentUnlimited = 10 * time.Minute
	writeTimeout    = 10 * time.Second
)

// Stream is one running START_REPLICATION. One goroutine owns the connection: it
// reads with a deadline and writes status itself. Only Wake may be called by others.
type Stream struct {
	conn     net.Conn
	in       *receiver
	bulk     *bulkConn // below TLS, where there is TLS
	decoder  *pgoutput.Decoder
	interval time.Duration // between status updates
	patience time.Duration // how long the server may be silent
	longest  int           // bytes of a message that is held as a whole; 0: any
	keep     pgoutput.Keep // what is kept of a longer one

	woken atomic.Bool
	wake  notify.Signal // for the times when nothing is read

	inTx     bool
	received pgoutput.LSN // the highest end of a transaction or keepalive read: no LSN beyond it is confirmed
	reported pgoutput.LSN // confirmed by the last status
	asked    bool         // the server wants a reply
	status   time.Time    // of the last status
	heard    time.Time    // of the last byte
	frame    [statusSize]byte
}

// Run streams into the sink until ctx ends, the server or the network fails, or
// stop is closed: then it reads to the end of the transaction it is in and
// returns nil. The caller of close(stop) calls Wake after it.
func (s *Stream) Run(ctx context.Context, stop <-chan struct{}, sink Sink) error {
	for {
		stopped, err := s.drainBuffer(ctx, stop, sink)
		if err != nil || stopped {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := sink.Fault(); err != nil {
			return err
		}
		next, err := s.report(sink)
		if err != nil {
			return err
		}
		if sink.Full() {
			if err := s.waitForRoom(ctx, next); err != nil {
				return err
			}
			continue
		}
		if err := s.read(next, sink); err != nil {
			return err
		}
	}
}

// drainBuffer hands over what is in the buffer, as far as the sink has room.
func (s *Stream) drainBuffer(ctx context.Context, stop <-chan struct{}, sink Sink) (stopped bool, err error) {
	for !sink.Full() {
		if s.ended(stop, sink) {
			return true, nil
		}
		kind, body, ok, err := s.in.next()
		if err != nil {
			return false, err
		}
		if !ok {
			n := s.in.need()
			if s.longest == 0 || n <= s.longest {
				return false, nil
			}
			if err := s.long(ctx, n, sink); err != nil {
				return false, err
			}
			continue
		}
		if err := s.message(kind, body, sink); err != nil {
			return false, err
		}
	}
	return s.ended(stop, sink), nil
}

// ended reports whether the stream should stop and may: it may not inside a transaction.
func (s *Stream) ended(stop <-chan struct{}, sink Sink) bool {
	select {
	case <-stop:
		return !s.inTx && sink.Between()
	default:
		return false
	}
}

func (s *Stream) message(kind byte, body []byte, sink Sink) error {
	switch kind {
	case 'd':
		return s.copyData(body, sink)
	case 'E':
		return serverError(body)
	case 'c', 'C', 'Z':
		return ErrEnded
	case 'N', 'S': // a notice, a parameter's new value
		return nil
	default:
		return fmt.Errorf("unexpected message %q in the replication stream", kind)
	}
}

// The messages inside CopyData ("Streaming Replication Protocol").
const (
	xlogData      = 'w'
	keepalive     = 'k'
	xlogHeader    = 1 + 8 + 8 + 8
	keepaliveSize = 1 + 8 + 8 + 1
)

func (s *Stream) copyData(b []byte, sink Sink) error {
	switch {
	case len(b) >= xlogHeader && b[0] == xlogData:
		m, err := s.decoder.Decode(b[xlogHeader:])
		if err != nil {
			return err
		}
		return s.decoded(m, sink)
	case len(b) == keepaliveSize && b[0] == keepalive:
		lsn := pgoutput.LSN(binary.BigEndian.Uint64(b[1:]))
		s.asked = s.asked || b[keepaliveSize-1] != 0
		if !s.inTx { // inside a transaction it brings no new LSN
			s.received = max(s.received, lsn)
			sink.Keepalive(lsn)
		}
		return nil
	case len(b) == 0:
		return errors.New("empty message in the replication stream")
	default:
		return fmt.Errorf("message %q of %d bytes in the replication stream is not known", b[0], len(b))
	}
}

// decoded passes a message to the sink. The LSNs of its header are not used: they are zero
// or the row's own.
func (s *Stream) decoded(m pgoutput.Message, sink Sink) error {
	switch m := m.(type) {
	case *pgoutput.Begin:
		s.inTx = true
	case *pgoutput.Commit:
		s.inTx = false
		s.received = max(s.received, m.EndLSN)
	}
	return sink.Message(m)
}

func serverError(body []byte) error {
	var e pgproto3.ErrorResponse
	if err := e.Decode(body); err != nil {
		return fmt.Errorf("the server's error message cannot be read: %w", err)
	}
	return pgconn.ErrorResponseToPgError(&e)
}

// read waits for bytes until the next status is due, or Wake.
func (s *Stream) read(next time.Time, sink Sink) error {
	if err := s.conn.SetReadDeadline(next); err != nil {
		return err
	}
	if s.woken.Swap(false) { // before the deadline was set: it has overwritten Wake's
		return nil
	}
	s.bulk.setBulk(sink.Behind())
	err := s.in.fill(s.in.need())
	if err == nil {
		s.heard = time.Now()
		return nil
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		s.woken.Store(false)
		return nil
	}
	return err
}

// waitForRoom waits without reading. TCP holds the server back, and status updates keep the
// connection alive.
func (s *Stream) waitForRoom(ctx context.Context, next time.Time) error {
	s.heard = time.Now() // we are not reading, so this is not silence of the server
	if err := s.conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	if s.woken.Swap(false) {
		return nil
	}
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-s.wake:
		s.woken.Store(false)
	case <-timer.C:
	}
	return nil
}

// Wake makes the stream ask its sink again: more may be confirmed, there is room, or it
// should stop. Any goroutine may call it at any time.
func (s *Stream) Wake() {
	if s.woken.Swap(true) {
		return
	}
	s.wake.Notify()
	_ = s.conn.SetReadDeadline(time.Unix(1, 0)) // ends a read that waits; fails on a closed connection, where none waits
}
