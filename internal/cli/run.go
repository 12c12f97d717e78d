package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/systemd"
)

func newRun(s *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run -c FILE",
		Short: "Relay until SIGINT or SIGTERM",
		Long: `Relay until SIGINT or SIGTERM: then everything read is still acknowledged by Kafka
and confirmed to Postgres, for at most shutdown_timeout. A second signal ends at once;
nothing is lost by that, but what was in flight comes again.

SIGHUP reads log.level of the files again, and nothing else. When a file has faults they
are logged, and the levels stay as they are.

Several files, or a folder, make one relay each in one process. The log goes to stderr.

Exit codes: 0 asked to stop, all confirmed; 1 unexpected, or shutdown_timeout passed;
2 wrong command line or configuration; 3 a requirement is not met; 4 halted, an operator
decides; 5 another relay has taken over (only with exactly_once, which is not available
yet).`,
		Example: `  walpost run -c orders.yaml
  walpost run -c orders.yaml -c billing.yaml
  walpost run -c /etc/walpost`,
		Args: cobra.NoArgs,
	}
	load := files(cmd)
	cmd.RunE = action(func(cmd *cobra.Command) error {
		cfgs, err := load()
		if err != nil {
			return err
		}
		signals := make(chan os.Signal, 2)
		signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
		defer signal.Stop(signals)
		hangups := make(chan os.Signal, 1) // one that waits stands for all that came meanwhile
		signal.Notify(hangups, syscall.SIGHUP)
		defer signal.Stop(hangups)
		return ended(runAll(cmd.Context(), cfgs, load, signals, hangups, s))
	})
	return cmd
}

// runAll runs one relay per file to the end of the last, and gives the exit code.
// load reads the files again.
func runAll(ctx context.Context, cfgs []*config.Config, load func() ([]*config.Config, error), signals, hangups <-chan os.Signal, s *streams) int {
	l, err := newLogs(s.err, cfgs)
	if err != nil {
		return report(newPrinter(s.err), usage("log.level: %w", err))
	}
	log := l.process()
	b := thisBuild()
	log.Info("walpost starts", zap.String("version", b.Version), zap.String("commit", b.Commit), zap.Int("relays", len(cfgs)))

	var clusters []kafka.Options
	for _, c := range cfgs {
		clusters = append(clusters, relay.Kafka(c))
	}
	kafka.LogTo(l.base.Core(), clusters...)

	limitMemory(cfgs)
	abortOnPanic()
	p, err := newProcess(cfgs, l)
	if err != nil {
		return report(newPrinter(s.err), usage("%w", err))
	}
	if p.systemd, err = systemd.FromEnvironment(os.Getenv); err != nil {
		log.Warn("systemd cannot be told how walpost is", zap.Error(err))
	}
	defer func() { p.told(p.systemd.Close()) }()
	if err := p.listen(ctx, cfgs[0].Admin.Listen, adminHosts(cfgs)); err != nil {
		log.Error("the admin listener cannot be opened", zap.Error(err), zap.String("hint", `choose another admin.listen, or "" for none`))
		return relay.ExitRequirement
	}
	p.reload, p.hangups = func() { l.reload(load) }, hangups
	code := p.run(ctx, signals)
	log.Info("walpost ends", zap.Int("exit_code", code))
	return code
}
