package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/pkg/inbox/deadletter"
)

func newDLT(s *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlt",
		Short: "List dead letters, publish them again, or discard them",
		Long: `List dead letters of the relay (delivery.on_reject: dead_letter) and of consumers built
with pkg/inbox, publish them again to the topic they came from, or discard them.

Kafka cannot remove a record from the middle of a topic. So walpost marks a dead letter
that was redriven or discarded: it writes a record of its own into the dead letter topic,
and leaves the dead letter out from then on. Both stay until retention removes them, or
until --remove deletes what has been handled, beginning with the oldest.`,
		Args: cobra.ArbitraryArgs,
		Example: `  walpost dlt list -c orders.yaml
  walpost dlt show -c orders.yaml --id 01890a5d-ac96-774b-bcce-b302099a8057 --payload
  walpost dlt redrive -c orders.yaml --topic outbox.event.order --dry-run
  walpost dlt discard -c orders.yaml --key 42`,
		RunE: needsCommand(s),
	}
	cmd.AddCommand(newDLTList(s), newDLTShow(s), newDLTRedrive(s), newDLTDiscard(s))
	return cmd
}

// deadLetterFilter says which dead letters are meant.
type deadLetterFilter struct {
	in              []string // globs of dead letter topics; none: of the file
	topics          []string // globs of the topics of origin; none: any
	id, key, group  string
	byID, byKey, by bool
	sinceText       string
	since           time.Time
	limit           int
	format          *config.Format // of the file
}

func (f *deadLetterFilter) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.in, "dead-letter", nil,
		"dead letter topics of this `glob` (default: as delivery.dead_letter names them); may be repeated")
	flags.StringArrayVar(&f.topics, "topic", nil, "only letters whose record was for a topic of this `glob`; may be repeated")
	flags.StringVar(&f.id, "id", "", "only the event with this `id`")
	flags.StringVar(&f.key, "key", "", "only records with this `key`")
	flags.StringVar(&f.group, "group", "", "only letters of this consumer `group`")
	flags.StringVar(&f.sinceText, "since", "", "only letters given up at this `time` or later: RFC 3339, or an age such as 90m or 3d")
	flags.IntVar(&f.limit, "limit", 0, "at most so many, the first; 0: all")
}

// load reads flags and the file.
func (f *deadLetterFilter) load(cmd *cobra.Command, files func() ([]*config.Config, error)) (*config.Config, error) {
	f.byID, f.byKey, f.by = cmd.Flags().Changed("id"), cmd.Flags().Changed("key"), cmd.Flags().Changed("group")
	if err := checkGlobs("--dead-letter", f.in); err != nil {
		return nil, err
	}
	if err := checkGlobs("--topic", f.topics); err != nil {
		return nil, err
	}
	if f.limit < 0 {
		return nil, usage("--limit %d: want a number of letters, or 0 for all", f.limit)
	}
	var err error
	if f.since, err = parseTime("--since", f.sinceText, time.Now()); err != nil {
		return nil, err
	}
	cfgs, err := files()
	if err != nil {
		return nil, err
	}
	if len(cfgs) != 1 {
		return nil, usage("%s reads one file, not %d", cmd.CommandPath(), len(cfgs))
	}
	f.format = &cfgs[0].Outbox.Format
	return cfgs[0], nil
}

// wants reports whether a letter passes the filter, but for the limit.
func (f *deadLetterFilter) wants(d *deadletter.Record) bool {
	switch e := d.Event; {
	case len(f.topics) > 0 && !matchesTopic(f.topics, e.Topic),
		f.byID && e.ID != f.id && eventID(d, f.format) != f.id,
		f.byKey && !isText(e.Key, f.key, f.format.Key),
		f.by && d.Group != f.group,
		d.Time.Before(f.since):
		return false
	}
	return true
}
