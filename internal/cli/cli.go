// Package cli is the command line: one file per command. It reads flags and
// files, hands plain options to the packages that do the work, and words what
// came of it.
//
// It knows every other package of walpost, and what a terminal is. It must not
// know SQL or the Kafka protocol: what the servers say is worded by replication
// and kafka. Everything is written to the writers that are passed in.
package cli

import (
	"io"

	"github.com/spf13/cobra"
)

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// Main runs the command that args name and returns the exit code of the process
// (0 to 5, and 6 of topics plan and import). args do not hold the program's name.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(&streams{in: stdin, out: &screen{stdout}, err: &screen{stderr}})
	root.SetArgs(args)
	return report(newPrinter(&screen{stderr}), root.Execute())
}

func newRoot(s *streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "walpost",
		Short: "Relay a Postgres outbox table to Kafka",
		Long: `walpost reads a transactional outbox table from the Postgres write-ahead log
(logical replication) and publishes each inserted row as one Kafka record.`,
		Example: `  walpost init -c orders.yaml      # once: table, publication, slot, topics
  walpost check -c orders.yaml     # check every requirement
  walpost run -c orders.yaml       # relay until SIGINT or SIGTERM`,
		Version:       thisBuild().Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          needsCommand(s),
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetFlagErrorFunc(flagError)
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.AddCommand(newRun(s), newInit(s), newCheck(s), newStatus(s), newTail(s), newHealth(s), newDrop(s), newRecover(s), newAudit(s),
		newReplay(s), newDLT(s), newPosition(s), newTopics(s), newImport(s), newConfig(s), newVersion(s))
	return root
}
