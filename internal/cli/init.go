package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/config"
)

func newInit(s *streams) *cobra.Command {
	var asJSON bool
	var how initOptions
	cmd := &cobra.Command{
		Use:   "init -c FILE",
		Short: "Create what is missing: outbox table, publication, slot, topics",
		Long: `Create what is missing: the outbox table, the publication, the slot, and the topics
(if the topic template has columns: one topic for each value in the table), with the dead
letter topics of the relay (delivery.on_reject: dead_letter) and those that the file
declares. What exists is left as it is, so init may be run again, also after an
interrupted run.

Rows committed before the slot exists are not published; init says how many there are.

With --publish-existing they are: in the snapshot of the new slot, so that each row is
published once, by init or by run. The slot gets its name when Kafka has all of them. If
that is interrupted, run does not start, and init --publish-existing begins anew: rows that
were published come again. Where the slot exists, nothing is published.`,
		Example: `  walpost init -c orders.yaml
  walpost init -c orders.yaml --publish-existing
  walpost init -c orders.yaml --dry-run          # the SQL and the topics, nothing is done
  walpost init -c orders.yaml --json`,
		Args: cobra.NoArgs,
	}
	load := files(cmd)
	jsonFlag(cmd, &asJSON)
	flags := cmd.Flags()
	flags.BoolVar(&how.dryRun, "dry-run", false, "show the SQL and the topics, and do nothing")
	flags.BoolVar(&how.existing, "publish-existing", false, "publish what is in the table before the slot streams")
	flags.StringVar(&how.order, "order", "", "`column` in whose order existing rows are published (default outbox.timestamp, or else "+
		"outbox.prune.time_column)")
	how.timestamp.define(flags)
	cmd.RunE = onFiles(load, func(ctx context.Context, cfgs []*config.Config) error {
		if !how.existing && (flags.Changed("order") || flags.Changed("timestamp")) {
			return usage("--order and --timestamp are of rows that --publish-existing publishes")
		}
		return initAll(ctx, s, cfgs, asJSON, how)
	})
	return cmd
}

// initOptions are the flags of init.
type initOptions struct {
	dryRun, existing bool
	order            string
	timestamp        stampFlag
}

// prepared is what init did for one relay.
type prepared struct {
	Relay            string `json:"relay"`
	Steps            []step `json:"steps"`
	RowsNotPublished *int64 `json:"rows_not_published"`       // null: no slot was made, or the role may not count
	RowsPublished    *int64 `json:"rows_published,omitempty"` // by --publish-existing
	Error            string `json:"error,omitempty"`
}

// initAll prepares one relay after the other. One that fails does not keep the
// others from being prepared.
func initAll(ctx context.Context, s *streams, cfgs []*config.Config, asJSON bool, how initOptions) error {
	out := newPrinter(s.out)
	var all []prepared
	var failures []error
	for _, c := range cfgs {
		i := initializer{cfg: c, initOptions: how, err: s.err, result: prepared{Relay: c.Name, Steps: []step{}}}
		prefix := ""
		if len(cfgs) > 1 {
			prefix = c.Name + ": "
		}
		if !asJSON {
			i.tell = func(st step) {
				if how.dryRun && st.SQL != "" {
					out.line("%s;", lines(st.SQL))
					return
				}
				out.line("%s", stepLine(prefix, st, how.dryRun))
			}
		}
		if err := i.run(ctx); err != nil {
			i.result.Error = err.Error()
			failures = append(failures, err)
		}
		all = append(all, i.result)
	}
	if asJSON {
		out.err = writeJSON(s.out, all)
	}
	return errors.Join(append(failures, out.err)...)
}
