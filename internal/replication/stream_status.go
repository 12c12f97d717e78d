package replication

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"time"

	"github.com/walpost/walpost/internal/crash"
	"github.com/walpost/walpost/internal/pgoutput"
)

// statusSize is a CopyData frame around a standby status update.
const statusSize = frameHeader + 1 + 8 + 8 + 8 + 8 + 1

// postgresEpoch is the zero of Postgres' clock: 2000-01-01 UTC.
var postgresEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant in all but grammar

// report sends a status update when one is due, and returns when the next is due. A new
// confirmed LSN is reported at once if everything read is acknowledged, else at most every
// 100 ms. Besides, status is sent when the server asks, and after the interval.
func (s *Stream) report(sink Sink) (next time.Time, err error) {
	now := time.Now()
	lsn, settled := s.confirmable(sink)
	moved := lsn > s.reported
	timer := now.Sub(s.status) >= s.interval
	if quiet := now.Sub(s.heard); quiet > s.patience {
		return now, ErrSilent
	}
	if s.asked || timer || moved && (settled || now.Sub(s.status) >= minStatusPause) {
		if err := s.send(lsn, now, now.Sub(s.heard) >= s.interval); err != nil {
			return now, err
		}
		moved = false
	}
	next = s.status.Add(s.interval)
	if moved {
		next = s.status.Add(minStatusPause)
	}
	return next, nil
}

// confirmable returns the LSN that the next status may confirm, and whether everything
// read is acknowledged. It never passes what was received, and never goes back (law 3).
func (s *Stream) confirmable(sink Sink) (lsn pgoutput.LSN, settled bool) {
	lsn, settled = sink.Confirmed()
	return max(min(lsn, s.received), s.reported), settled
}

// send writes a standby status update ("Standby status update" in the streaming
// replication protocol). Write, flush and apply are always set: flush is what the server
// need not keep any more, and nothing else advances the slot.
func (s *Stream) send(confirmed pgoutput.LSN, now time.Time, wantReply bool) error {
	b := s.frame[:]
	b[0] = 'd'
	binary.BigEndian.PutUint32(b[1:], statusSize-1)
	b[5] = 'r'
	binary.BigEndian.PutUint64(b[6:], uint64(max(s.received, confirmed)))
	binary.BigEndian.PutUint64(b[14:], uint64(confirmed))
	binary.BigEndian.PutUint64(b[22:], uint64(confirmed))
	binary.BigEndian.PutUint64(b[30:], uint64(now.Sub(postgresEpoch).Microseconds()))
	b[38] = 0
	if wantReply {
		b[38] = 1
	}
	if err := s.conn.SetWriteDeadline(now.Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := s.conn.Write(b); err != nil {
		return err
	}
	s.status, s.reported, s.asked = now, confirmed, false
	crash.At(crash.Confirmed)
	return nil
}

// Reported returns the LSN that the last status confirmed.
func (s *Stream) Reported() pgoutput.LSN { return s.reported }

// KeepAliveUntil keeps the connection alive and confirms what becomes acknowledged, without
// reading, until done returns true or ctx ends.
func (s *Stream) KeepAliveUntil(ctx context.Context, sink Sink, done func() bool) error {
	for !done() {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		next, err := s.report(sink)
		if err != nil {
			return err
		}
		if err := s.waitForRoom(ctx, next); err != nil {
			return err
		}
	}
	return nil
}

// Finish confirms what is acknowledged, ends the stream in order and closes the
// connection. It returns nil only when the server has taken the confirmation: the
// server answers CopyDone with CopyDone after all that was sent before it. The slot is
// free a little later, which Finish waits for too: whoever comes next finds it so, unless
// the server goes away meanwhile. What it still sends is read and dropped: a socket closed
// with unread data is reset, and the status may be lost with it.
func (s *Stream) Finish(ctx context.Context, sink Sink) error {
	lsn, _ := s.confirmable(sink)
	now := time.Now()
	if err := s.send(lsn, now, false); err != nil {
		return err
	}
	taken, err := s.leave(ctx)
	if taken {
		return nil
	}
	return err
}

// leave ends the stream with CopyDone, drops what arrives until the slot is free again
// (ReadyForQuery), and closes the connection. It reports whether the server has taken
// CopyDone, and all before it.
func (s *Stream) leave(ctx context.Context) (taken bool, err error) {
	defer s.Close()
	now := time.Now()
	if err := s.conn.SetWriteDeadline(now.Add(writeTimeout)); err != nil {
		return false, err
	}
	if _, err := s.conn.Write([]byte{'c', 0, 0, 0, 4}); err != nil {
		return false, err
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = now.Add(writeTimeout)
	}
	for past := 0; ; { // past: bytes of a long message still to be dropped
		past -= len(s.in.piece(past))
		if past > 0 {
			if err := s.fillUntil(deadline, frameHeader); err != nil {
				return taken, err
			}
			continue
		}
		kind, body, ok, err := s.in.next()
		switch {
		case err != nil:
			return taken, err
		case ok && kind == 'Z':
			_, _ = s.conn.Write([]byte{'X', 0, 0, 0, 4}) // Terminate: whether it arrives does not matter
			return true, nil
		case ok && kind == 'E':
			return taken, serverError(body)
		case ok:
			taken = taken || kind == 'c'
			continue
		case s.longest > 0 && s.in.need() > s.longest:
			past = s.in.need()
			continue
		}
		if err := s.fillUntil(deadline, s.in.need()); err != nil {
			return taken, err
		}
	}
}

// fillUntil reads once, until a deadline that a late Wake does not shorten.
func (s *Stream) fillUntil(deadline time.Time, n int) error {
	for {
		if err := s.conn.SetReadDeadline(deadline); err != nil {
			return err
		}
		err := s.in.fill(n)
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || !time.Now().Before(deadline) {
			return err
		}
	}
}

// Close closes the connection at once.
func (s *Stream) Close() { _ = s.conn.Close() } // an error would change nothing
