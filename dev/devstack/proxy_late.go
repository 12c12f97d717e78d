package devstack

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"time"
)

// Catch takes the requests of Kafka's protocol off their way for which take returns true, and resets their connections:
// the client cannot know whether they arrived. Send delivers them, later than anything that was sent meanwhile. It holds
// until Heal. Call it while no request is under way: it looks at whole requests.
func (p *Proxy) Catch(take func(request []byte) bool) {
	p.change(func(r *rules) { r.take = take })
}

// Send delivers a request of Kafka's protocol over a connection of its own, and returns the answer without its length.
func (p *Proxy) Send(ctx context.Context, request []byte) ([]byte, error) {
	var dialer net.Dialer
	server, err := dialer.DialContext(ctx, "tcp", p.upstream)
	if err != nil {
		return nil, err
	}
	defer server.Close() //nolint:errcheck // the answer is there, or has failed
	const answered = time.Minute
	_ = server.SetDeadline(time.Now().Add(answered))
	if _, err := server.Write(request); err != nil {
		return nil, err
	}
	var size [lengthSize]byte
	if _, err := io.ReadFull(server, size[:]); err != nil {
		return nil, err
	}
	answer := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err = io.ReadFull(server, answer)
	return answer, err
}

// lengthSize is the size of the length that each request and answer of Kafka's protocol begins with.
const lengthSize = 4

// sift returns what goes on to the server of what a client has sent, and reports whether nothing was taken.
func (p *Proxy) sift(l *link, data []byte) (pass []byte, ok bool) {
	r, _ := p.current()
	if r.take == nil && len(l.partial) == 0 {
		return data, true
	}
	all := slices.Concat(l.partial, data)
	l.partial = nil
	whole := 0
	for r.take != nil && len(all)-whole >= lengthSize {
		end := whole + lengthSize + int(binary.BigEndian.Uint32(all[whole:]))
		if end > len(all) {
			break
		}
		if r.take(slices.Clone(all[whole:end])) {
			return all[:whole], false
		}
		whole = end
	}
	if r.take == nil {
		whole = len(all)
	}
	l.partial = all[whole:]
	return all[:whole:whole], true
}
