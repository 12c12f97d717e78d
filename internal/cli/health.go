package cli

import (
	"net/http"

	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/status"
)

func newHealth(s *streams) *cobra.Command {
	var address string
	var readiness bool
	cmd := &cobra.Command{
		Use:   "health {-c FILE | --address HOST:PORT}",
		Short: "Ask the running process whether it lives, for a container's health check",
		Long: `Ask the process at admin.listen whether it lives. The exit code is 0 if it does, else 1.
It is 0 even if Kafka or Postgres is down: a restart of walpost would not help. With
--ready, it is 0 only if every relay streams and Kafka answers.`,
		Example: `  walpost health -c orders.yaml
  walpost health --address 127.0.0.1:9464
  walpost health -c orders.yaml --ready`,
		Args: cobra.NoArgs,
	}
	load := files(cmd)
	cmd.Flags().StringVar(&address, "address", "", "`HOST:PORT` of the admin listener, instead of a file")
	cmd.Flags().BoolVar(&readiness, "ready", false, "ask whether every relay is ready (/readyz)")
	cmd.MarkFlagsMutuallyExclusive("config", "address")
	cmd.RunE = action(func(cmd *cobra.Command) error {
		if address == "" {
			cfgs, err := load()
			if err != nil {
				return err
			}
			if address, err = adminAddress(cfgs); err != nil {
				return err
			}
		}
		path := "/healthz"
		if readiness {
			path = "/readyz"
		}
		code, text, err := askAdmin(cmd.Context(), address, path)
		if err != nil {
			return &failure{code: status.ExitUnexpected, err: err}
		}
		newPrinter(s.out).line("%s", beginning(text))
		return ended(exitOf(code))
	})
	return cmd
}

// exitOf is the exit code for an answer.
func exitOf(st int) int {
	if st == http.StatusOK {
		return status.ExitStopped
	}
	return status.ExitUnexpected
}
