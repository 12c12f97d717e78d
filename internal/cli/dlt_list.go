package cli

import (
	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/pkg/inbox/deadletter"
)

// deadLetterView is how dead letters are shown.
type deadLetterView struct {
	handled, payload, asJSON bool

	format *config.Format // of the file
}

func newDLTList(s *streams) *cobra.Command {
	var view deadLetterView
	cmd := &cobra.Command{
		Use:   "list -c FILE",
		Short: "List dead letters, one per line",
		Long: `List dead letters that have been neither redriven nor discarded, one per line, topic by
topic and partition by partition, in the order in which they became dead letters. Only the
sizes of values are shown, unless --payload is given.`,
		Example: `  walpost dlt list -c orders.yaml
  walpost dlt list -c orders.yaml --topic 'outbox.event.*' --since 1d --limit 20
  walpost dlt list -c orders.yaml --handled --json`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&view.handled, "handled", false, "also those that were redriven or discarded")
	return withDeadLetters(cmd, s, &view, (*printer).deadLetterLine)
}

func newDLTShow(s *streams) *cobra.Command {
	view := deadLetterView{handled: true}
	cmd := &cobra.Command{
		Use:   "show -c FILE",
		Short: "Show dead letters in full",
		Long: `Show dead letters in full: the record with its headers, who gave it up and why, and
whether it was redriven or discarded. Handled dead letters are shown too. Only the sizes
of values are shown, unless --payload is given.`,
		Example: `  walpost dlt show -c orders.yaml --id 01890a5d-ac96-774b-bcce-b302099a8057
  walpost dlt show -c orders.yaml --key 42 --payload`,
		Args: cobra.NoArgs,
	}
	return withDeadLetters(cmd, s, &view, (*printer).deadLetterPage)
}

// withDeadLetters makes a command that shows the dead letters of its filter.
func withDeadLetters(cmd *cobra.Command, s *streams, view *deadLetterView,
	show func(*printer, *deadletter.Record, deadLetterView),
) *cobra.Command {
	var filter deadLetterFilter
	load := files(cmd)
	filter.define(cmd)
	cmd.Flags().BoolVar(&view.payload, "payload", false, "show values")
	cmd.Flags().BoolVar(&view.asJSON, "json", false, "write one JSON object per line, for programs")
	cmd.RunE = action(func(cmd *cobra.Command) error {
		cfg, err := filter.load(cmd, load)
		if err != nil {
			return err
		}
		ctx, cancel := interruptible(cmd.Context())
		defer cancel()
		box, err := openDeadLetterTopics(cfg, &filter)
		if err != nil {
			return err
		}
		view.format = filter.format
		out, says := newPrinter(s.out), newPrinter(s.err)
		err = box.each(ctx, listDeadLetters, func(c *deadletter.Config) {
			c.Handled = view.handled
			c.Each = func(d *deadletter.Record) error {
				if view.asJSON {
					return writeDeadLetter(out.w, d, *view)
				}
				show(out, d, *view)
				return out.err
			}
		}, func(topic string, done deadletter.RedriveResult) error {
			says.foreign(topic, done)
			return says.err
		})
		if err == nil && box.seen == 0 {
			says.line("no dead letters")
		}
		return err
	})
	return cmd
}

// foreign reports records that are left out.
func (p *printer) foreign(topic string, done deadletter.RedriveResult) {
	if done.Foreign > 0 {
		p.line("walpost: %s: %d records do not say where they were (header walpost-dlt-topic): they are not walpost's, and are "+
			"passed over", topic, done.Foreign)
	}
}
