package daemon

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
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/systemd"
)

// errSecondSignal is the cause with which a process ends that was asked twice.
var errSecondSignal = errors.New("a second signal: ended without waiting")

// process is the relays of one process, and its admin server.
type process struct {
	log     *zap.Logger
	relays  []*relayUnit
	metrics *metrics.Registry
	admin   *admin.Server // nil: none
	history *admin.History
	sighup  <-chan os.Signal // each calls reload
	reload  func()
	systemd *systemd.Notifier // nil: not started by systemd
}

func newProcess(cfgs []*config.Config, l *loggers, version string) (*process, error) {
	p := &process{log: l.process(), metrics: metrics.New()}
	for i, c := range cfgs {
		u, err := newRelayUnit(c, version, p.metrics.Observer(c.Name), l.relay(i))
		if err != nil {
			return nil, err
		}
		p.relays = append(p.relays, u)
		p.metrics.Watch(c.Name, u)
	}
	return p, nil
}

// listen opens the admin listener; the address "" is none. hosts are globs of the host
// names under which the listener may be asked.
func (p *process) listen(ctx context.Context, address string, hosts []string) error {
	if address == "" {
		return nil
	}
	var relays []admin.Relay
	for _, u := range p.relays {
		relays = append(relays, u)
	}
	p.history = admin.NewHistory(relays)
	server, err := admin.Listen(ctx, address, hosts, admin.Handler(relays, p.metrics.Handler(), p.history))
	if err != nil {
		return err
	}
	p.admin = server
	p.log.Info("admin server listens", zap.String("address", server.Address()))
	return nil
}

// run relays until the last relay has ended and returns the exit code. The first
// signal asks for a planned stop, the second ends at once.
func (p *process) run(ctx context.Context, signals <-chan os.Signal) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := make(chan struct{})
	served := p.serve()
	defer p.shutDown(context.WithoutCancel(ctx))
	p.watch(ctx)

	ended := p.startRelays(ctx, stop)
	watchdogTick, stopPulse := p.systemd.Pulse()
	defer stopPulse()
	p.logNotifyError(p.systemd.Ready(p.statusLine())) // also while it waits for a server, or stands by
	var failed, stopping bool
	code := status.ExitStopped
	for running := len(p.relays); running > 0; {
		select {
		case err := <-ended:
			running--
			code = status.ExitCode(err)
		case sig := <-signals:
			if stopping {
				failed = true
				p.abort(sig, cancel)
				continue
			}
			stopping = true
			p.log.Info("asked to stop", zap.Stringer("signal", sig))
			p.logNotifyError(p.systemd.Stopping())
			close(stop)
		case <-p.sighup:
			p.reload()
		case <-watchdogTick:
			p.logNotifyError(p.systemd.Alive(p.statusLine()))
		case err := <-served:
			failed = true
			p.log.Error("the admin server has ended: stopping", zap.Error(err))
			if !stopping {
				stopping = true
				close(stop)
			}
		}
	}
	if failed && code == status.ExitStopped {
		return status.ExitUnexpected
	}
	return code
}

// abort ends the relays without waiting, after a second signal.
func (p *process) abort(sig os.Signal, cancel context.CancelCauseFunc) {
	signal.Reset() // a third one ends the process as if it were not caught
	p.log.Warn("a second signal: ending without waiting", zap.Stringer("signal", sig))
	cancel(errSecondSignal)
}

// startRelays starts every relay and returns the channel on which their ends arrive.
func (p *process) startRelays(ctx context.Context, stop <-chan struct{}) <-chan error {
	ended := make(chan error)
	for _, u := range p.relays {
		go func() { ended <- p.runRelay(ctx, u, stop) }()
	}
	return ended
}

// runRelay runs one relay to its end and logs the end. A relay that halted has logged
// the reason itself.
func (p *process) runRelay(ctx context.Context, u *relayUnit, stop <-chan struct{}) error {
	err := u.Run(ctx, stop)
	u.end.Store(&relayEnd{err: err, at: time.Now()})
	fields := []zap.Field{zap.String("relay", u.name), zap.Int("exit_code", status.ExitCode(err))}
	switch _, halted := errors.AsType[*status.Halt](err); {
	case err == nil:
		p.log.Info("relay stopped", fields...)
	case halted:
		p.log.Error("relay ended", fields...)
	default:
		p.log.Error("relay ended", append(fields, zap.Error(err))...)
	}
	return err
}

// watch starts what observes the relays, until ctx ends.
func (p *process) watch(ctx context.Context) {
	for _, u := range p.relays {
		go u.WatchSlot(ctx)
		go u.monitor.Run(ctx)
	}
	if p.history != nil {
		go p.history.Run(ctx)
	}
	go releaseStartupMemory(ctx)
}

// serve starts the admin server and returns the channel on which its failure arrives.
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

// shutDown ends the admin server after the requests that it is answering.
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
