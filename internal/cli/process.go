package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/admin"
	"github.com/walpost/walpost/internal/admin/metrics"
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/systemd"
)

// errSignal is why a process ends that was asked twice.
var errSignal = errors.New("a second signal: ended without waiting")

// process is the relays of one process, and its admin server.
type process struct {
	log     *zap.Logger
	members []*member
	metrics *metrics.Registry
	admin   *admin.Server // nil: none
	history *admin.History
	hangups <-chan os.Signal // each calls reload
	reload  func()
	systemd *systemd.Notifier // nil: not started by systemd
}

func newProcess(cfgs []*config.Config, l *logs) (*process, error) {
	p := &process{log: l.process(), metrics: metrics.New()}
	for i, c := range cfgs {
		m, err := newMember(c, p.metrics.Observer(c.Name), l.relay(i))
		if err != nil {
			return nil, err
		}
		p.members = append(p.members, m)
		p.metrics.Watch(c.Name, m)
	}
	return p, nil
}

// listen opens the admin listener; "" is none. names are globs of its host names.
func (p *process) listen(ctx context.Context, address string, names []string) error {
	if address == "" {
		return nil
	}
	var relays []admin.Relay
	for _, m := range p.members {
		relays = append(relays, m)
	}
	p.history = admin.NewHistory(relays)
	server, err := admin.Listen(ctx, address, names, admin.Handler(relays, p.metrics.Handler(), p.history))
	if err != nil {
		return err
	}
	p.admin = server
	p.log.Info("admin server listens", zap.String("address", server.Address()))
	return nil
}

// run relays until the last relay has ended and gives the exit code. The first
// signal asks for a planned stop, the second ends at once.
func (p *process) run(ctx context.Context, signals <-chan os.Signal) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := make(chan struct{})
	served := p.serve()
	defer p.shutDown(context.WithoutCancel(ctx))
	p.watch(ctx)

	ends := make(chan error)
	for _, m := range p.members {
		go func() { ends <- p.relay(ctx, m, stop) }()
	}
	beats, still := p.systemd.Pulse()
	defer still()
	p.told(p.systemd.Ready(p.words())) // also while it waits for a server, or stands by
	var failed, asked bool
	code := relay.ExitStopped
	for left := len(p.members); left > 0; {
		select {
		case err := <-ends:
			left--
			code = relay.ExitCode(err)
		case sig := <-signals:
			if asked {
				failed = true
				signal.Reset() // a third one ends the process as if it were not caught
				p.log.Warn("a second signal: ending without waiting", zap.Stringer("signal", sig))
				cancel(errSignal)
				continue
			}
			asked = true
			p.log.Info("asked to stop", zap.Stringer("signal", sig))
			p.told(p.systemd.Stopping())
			close(stop)
		case <-p.hangups:
			p.reload()
		case <-beats:
			p.told(p.systemd.Alive(p.words()))
		case err := <-served:
			failed = true
			p.log.Error("the admin server has ended: stopping", zap.Error(err))
			if !asked {
				asked = true
				close(stop)
			}
		}
	}
	if failed && code == relay.ExitStopped {
		return relay.ExitUnexpected
	}
	return code
}

// relay runs one relay to its end and logs what it ended with, unless it has
// done so itself.
func (p *process) relay(ctx context.Context, m *member, stop <-chan struct{}) error {
	err := m.Run(ctx, stop)
	m.end.Store(&ending{err: err, at: time.Now()})
	fields := []zap.Field{zap.String("relay", m.name), zap.Int("exit_code", relay.ExitCode(err))}
	switch _, halted := errors.AsType[*relay.Halt](err); {
	case err == nil:
		p.log.Info("relay stopped", fields...)
	case halted:
		p.log.Error("relay ended", fields...)
	default:
		p.log.Error("relay ended", append(fields, zap.Error(err))...)
	}
	return err
}

// watch keeps true what the relays and the admin server tell, until ctx ends.
func (p *process) watch(ctx context.Context) {
	for _, m := range p.members {
		go m.WatchSlot(ctx)
		go m.monitor.Run(ctx)
	}
	if p.history != nil {
		go p.history.Run(ctx)
	}
	go freeStart(ctx)
}

// serve starts the admin server and gives a channel for its untimely end.
func (p *process) serve() <-chan error {
	if p.admin == nil {
		return nil
	}
	served := make(chan error, 1)
	go func() {
		if err := p.admin.Serve(); err != nil {
			served <- err
		}
	}()
	return served
}

// shutDown lets requests that are being answered end.
func (p *process) shutDown(ctx context.Context) {
	if p.admin == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := p.admin.Shutdown(ctx); err != nil {
		p.log.Warn("the admin server did not end in order", zap.Error(err))
	}
}
