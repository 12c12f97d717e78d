// Package daemon is a process with its relays: it starts and stops them, serves the
// admin listener, logs, limits memory, and notifies systemd.
//
// It knows relay, admin, monitor and systemd. It must not know the command line.
package daemon

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/systemd"
	"github.com/walpost/walpost/internal/wiring"
)

// Options are what a daemon is started with.
type Options struct {
	Configs []*config.Config                 // one relay each; the first has the admin listener and the log's format
	Load    func() ([]*config.Config, error) // reads the files again, at SIGHUP
	Version string
	Commit  string
	Log     io.Writer
}

// Run relays until the last relay has ended and returns the exit code of the process.
// SIGINT and SIGTERM ask for a planned stop, and a second one ends at once. An error is
// a fault of the configuration: no relay was started.
func Run(ctx context.Context, o Options) (exitCode int, err error) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	sighup := make(chan os.Signal, 1) // one pending SIGHUP stands for all that came meanwhile
	signal.Notify(sighup, syscall.SIGHUP)
	defer signal.Stop(sighup)

	l, err := newLoggers(o.Log, o.Configs)
	if err != nil {
		return 0, err
	}
	log := l.process()
	log.Info("walpost starts", zap.String("version", o.Version), zap.String("commit", o.Commit), zap.Int("relays", len(o.Configs)))
	logKafka(l.base, o.Configs)
	limitMemory(o.Configs)
	abortOnPanic()
	p, err := newProcess(o.Configs, l, o.Version)
	if err != nil {
		return 0, err
	}
	if p.systemd, err = systemd.FromEnvironment(os.Getenv); err != nil {
		log.Warn("systemd cannot be notified", zap.Error(err))
	}
	defer func() { p.logNotifyError(p.systemd.Close()) }()
	if err := p.listen(ctx, o.Configs[0].Admin.Listen, adminHosts(o.Configs)); err != nil {
		log.Error("the admin listener cannot be opened", zap.Error(err), zap.String("hint", `choose another admin.listen, or "" for none`))
		return status.ExitRequirement, nil
	}
	p.reload, p.sighup = func() { l.reload(o.Load) }, sighup
	code := p.run(ctx, signals)
	log.Info("walpost ends", zap.Int("exit_code", code))
	return code, nil
}

// logKafka makes sarama's log a part of the process' log.
func logKafka(log *zap.Logger, cfgs []*config.Config) {
	var clusters []kafka.Options
	for _, c := range cfgs {
		clusters = append(clusters, wiring.Kafka(c))
	}
	kafka.LogTo(log.Core(), clusters...)
}

// adminHosts returns the host names of the admin listener in all files of the process.
func adminHosts(cfgs []*config.Config) []string {
	var names []string
	for _, c := range cfgs {
		names = append(names, c.Admin.Hosts...)
	}
	return names
}
