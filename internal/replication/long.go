package replication

import (
	"context"
	"fmt"

	"github.com/walpost/walpost/internal/pgoutput"
)

// Bound makes the stream read a message of more than limit bytes in pieces, and hold only
// what keep asks for. Without it such a message needs as much memory as it has bytes,
// which may be a gigabyte.
func (s *Stream) Bound(limit int, keep pgoutput.Keep) {
	s.longest, s.keep = limit, keep
}

// long reads a message that is too long for the buffer. It returns when all of it is
// read. Meanwhile it continues to send status.
func (s *Stream) long(ctx context.Context, size int, sink Sink) error {
	p := &pieces{stream: s, ctx: ctx, sink: sink, left: size}
	head, err := p.head()
	if err != nil {
		return err
	}
	switch kind := head[0]; {
	case kind == 'N', kind == 'S':
		return p.drop()
	case kind != 'd':
		return fmt.Errorf("the server sent a message of %d bytes, type %q, in the replication stream", size, kind)
	case head[frameHeader] != xlogData:
		return fmt.Errorf("message %q of %d bytes in the replication stream is not known", head[frameHeader], size-frameHeader)
	}
	m, err := s.decoder.DecodeLong(p, p.left, s.keep)
	if err != nil {
		return err
	}
	return s.decoded(m, sink)
}

// pieces reads one long message. Between reads it sends status, as the stream does.
type pieces struct {
	stream *Stream
	ctx    context.Context //nolint:containedctx // it lives for one call of Run
	sink   Sink
	left   int // bytes of the message not returned yet
}

// Next returns what has arrived, at most n bytes, and waits for the first.
func (p *pieces) Next(n int) ([]byte, error) {
	s := p.stream
	for {
		if b := s.in.piece(min(n, p.left)); len(b) > 0 {
			p.left -= len(b)
			return b, nil
		}
		if p.ctx.Err() != nil {
			return nil, context.Cause(p.ctx)
		}
		if err := p.sink.Fault(); err != nil {
			return nil, err
		}
		next, err := s.report(p.sink)
		if err != nil {
			return nil, err
		}
		if err := s.read(next, p.sink); err != nil {
			return nil, err
		}
	}
}

// head reads the header of the frame, and that of the WAL data in it.
func (p *pieces) head() ([]byte, error) {
	head := make([]byte, 0, frameHeader+xlogHeader)
	for len(head) < cap(head) {
		b, err := p.Next(cap(head) - len(head))
		if err != nil {
			return nil, err
		}
		head = append(head, b...)
	}
	return head, nil
}

func (p *pieces) drop() error {
	for p.left > 0 {
		if _, err := p.Next(p.left); err != nil {
			return err
		}
	}
	return nil
}
