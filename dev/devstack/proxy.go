package devstack

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// Direction is one of the two ways through a Proxy.
type Direction int

// The two directions.
const (
	ToServer Direction = iota
	ToClient
)

// Proxy is a TCP proxy on loopback that can misbehave as networks do. What it is told holds for the connections it has
// and for later ones, until Heal.
type Proxy struct {
	upstream string
	listener net.Listener
	held     *ports
	cancel   context.CancelFunc
	serving  sync.WaitGroup

	mu      sync.Mutex
	changed chan struct{} // closed and made anew at each change of the rules
	rules   rules
	links   map[*link]struct{}
}

// rules are how the proxy treats bytes.
type rules struct {
	refuse bool
	hold   [2]bool
	delay  time.Duration
	rate   int // bytes per second and direction; 0: no limit
	take   func(request []byte) bool
}

// NewProxy listens on a free port and forwards to upstream, host:port. Close ends it.
func NewProxy(ctx context.Context, upstream string) (*Proxy, error) {
	free, err := freePorts(ctx, 1)
	if err != nil {
		return nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address(free.numbers[0]))
	if err != nil {
		free.release()
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p := &Proxy{
		upstream: upstream, listener: listener, held: free, cancel: cancel,
		changed: make(chan struct{}), links: map[*link]struct{}{},
	}
	p.serving.Go(func() { p.accept(ctx) })
	return p, nil
}

// Addr is the address, host:port, for clients.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut resets all connections. New ones are welcome.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.reset()
		delete(p.links, l)
	}
}

// Refuse resets all connections, and new ones as soon as they are made, until Heal.
func (p *Proxy) Refuse() {
	p.change(func(r *rules) { r.refuse = true })
	p.Cut()
}

// Blackhole lets connections stand and passes nothing, as a firewall that drops packets; bytes on their way come after
// Heal.
func (p *Proxy) Blackhole() { p.change(func(r *rules) { r.hold = [2]bool{true, true} }) }

// Hold passes nothing in one direction until Release or Heal. What was sent comes then.
func (p *Proxy) Hold(d Direction) { p.change(func(r *rules) { r.hold[d] = true }) }

// Release ends a Hold.
func (p *Proxy) Release(d Direction) { p.change(func(r *rules) { r.hold[d] = false }) }

// Delay delays all bytes by so much in each direction.
func (p *Proxy) Delay(by time.Duration) { p.change(func(r *rules) { r.delay = by }) }

// Throttle limits each direction of each connection to so many bytes a second; 0 lifts the limit.
func (p *Proxy) Throttle(bytesPerSecond int) { p.change(func(r *rules) { r.rate = bytesPerSecond }) }

// Heal ends all misbehaviour.
func (p *Proxy) Heal() { p.change(func(r *rules) { *r = rules{} }) }

// Connections returns how many connections are open.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Close resets all connections and listens no more.
func (p *Proxy) Close() error {
	p.cancel()
	err := p.listener.Close()
	p.Cut()
	p.serving.Wait()
	p.held.release()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// change alters the rules and wakes who waits for them.
func (p *Proxy) change(how func(*rules)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	how(&p.rules)
	close(p.changed)
	p.changed = make(chan struct{})
}

// current returns the rules and what is closed when they change.
func (p *Proxy) current() (rules, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rules, p.changed
}

// accept serves clients until the listener is closed.
func (p *Proxy) accept(ctx context.Context) {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.serving.Go(func() { p.serve(ctx, client) })
	}
}

// serve forwards one connection until either side ends it.
func (p *Proxy) serve(ctx context.Context, client net.Conn) {
	l := &link{client: client, gone: make(chan struct{})}
	if rules, _ := p.current(); rules.refuse {
		l.reset()
		return
	}
	var dialer net.Dialer
	server, err := dialer.DialContext(ctx, "tcp", p.upstream)
	if err != nil {
		l.reset()
		return
	}
	l.server = server
	p.enlist(ctx, l)
	var pumps sync.WaitGroup
	pumps.Go(func() { p.pump(l, ToServer, l.server, l.client) })
	pumps.Go(func() { p.pump(l, ToClient, l.client, l.server) })
	pumps.Wait()
	l.close()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// enlist notes a link, or ends it when the rules have changed while we dialed.
func (p *Proxy) enlist(ctx context.Context, l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rules.refuse || ctx.Err() != nil {
		l.reset()
		return
	}
	p.links[l] = struct{}{}
}
