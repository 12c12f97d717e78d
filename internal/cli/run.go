package cli

import (
	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/daemon"
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
decides; 5 another relay has taken over (only with exactly_once).`,
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
		build := thisBuild()
		code, err := daemon.Run(cmd.Context(), daemon.Options{
			Configs: cfgs, Load: load, Version: build.Version, Commit: build.Commit, Log: s.err,
		})
		if err != nil {
			return usage("%w", err)
		}
		return ended(code)
	})
	return cmd
}
