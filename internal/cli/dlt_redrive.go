package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/pkg/inbox/deadletter"
)

// deadLetterCommand is a command that does something with dead letters.
type deadLetterCommand struct {
	do                  deadLetterAction
	will, did           string // "go back to their topics", "put back"
	dryRun, yes, remove bool
}

func newDLTRedrive(s *streams) *cobra.Command {
	w := deadLetterCommand{do: deadletter.Redrive, will: "go back to their topics", did: "put back"}
	cmd := &cobra.Command{
		Use:   "redrive -c FILE",
		Short: "Publish dead letters again to the topics they came from",
		Long: `Publish dead letters again to the topics they came from, partition by partition, in the
order in which they became dead letters, with the same key, value and headers. A dead
letter goes to its original partition; one of the relay goes to the partition of its key.
Every consumer group of the topic receives it. Consumers that recognise an event by its id
drop what they have processed. Later records of the same key have been processed already.

Of a dead letter that lacks a part of its record, because the record was too large for
the dead letter topic, the record itself is published again. The dead letter stays where it
is if that record is gone, or if it names a topic that neither the file nor --topic can
name. walpost says so, and the exit code is 4.

redrive shows what it will do, and asks unless --yes is given. Each dead letter is marked
when Kafka has acknowledged the record. An interrupted redrive may be run again: it
publishes at most one dead letter twice.`,
		Example: `  walpost dlt redrive -c orders.yaml --dry-run
  walpost dlt redrive -c orders.yaml --topic outbox.event.order --since 2h --yes
  walpost dlt redrive -c orders.yaml --id 01890a5d-ac96-774b-bcce-b302099a8057`,
		Args: cobra.NoArgs,
	}
	return w.command(cmd, s)
}

func newDLTDiscard(s *streams) *cobra.Command {
	w := deadLetterCommand{do: discardDeadLetters, will: "are discarded", did: "discarded"}
	cmd := &cobra.Command{
		Use:   "discard -c FILE",
		Short: "Mark dead letters as discarded",
		Long: `Mark dead letters as discarded, so that list and redrive leave them out. Kafka cannot
remove a record from the middle of a topic: they stay readable until retention removes
them. --remove deletes handled dead letters, from the oldest up to the first that has not
been handled.

discard shows what it will do, and asks unless --yes is given.`,
		Example: `  walpost dlt discard -c orders.yaml --id 01890a5d-ac96-774b-bcce-b302099a8057
  walpost dlt discard -c orders.yaml --topic outbox.event.order --dry-run
  walpost dlt discard -c orders.yaml --yes --remove`,
		Args: cobra.NoArgs,
	}
	return w.command(cmd, s)
}

func (w *deadLetterCommand) command(cmd *cobra.Command, s *streams) *cobra.Command {
	var filter deadLetterFilter
	load := files(cmd)
	filter.define(cmd)
	cmd.Flags().BoolVar(&w.dryRun, "dry-run", false, "show what would be done, and do nothing")
	cmd.Flags().BoolVar(&w.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&w.remove, "remove", false, "delete handled dead letters from their topic, beginning with the oldest")
	cmd.RunE = action(func(cmd *cobra.Command) error {
		cfg, err := filter.load(cmd, load)
		if err != nil {
			return err
		}
		ctx, cancel := interruptible(cmd.Context())
		defer cancel()
		return w.run(ctx, s, cfg, &filter)
	})
	return cmd
}

// recordID is where a dead letter stands.
type recordID struct {
	topic     string
	partition int32
	offset    int64
}

// run shows the dead letters that are meant, asks, and does its work with these, whatever
// has come meanwhile.
func (w *deadLetterCommand) run(ctx context.Context, s *streams, cfg *config.Config, filter *deadLetterFilter) error {
	box, err := openDeadLetterTopics(cfg, filter)
	if err != nil {
		return err
	}
	out, says := newPrinter(s.out), newPrinter(s.err)
	meant, left := map[recordID]bool{}, 0
	stays := func(d *deadletter.Record) error {
		left++
		says.stays(d, cfg)
		return says.err
	}
	err = box.each(ctx, w.do, func(c *deadletter.Config) {
		c.DryRun, c.Stays = true, stays
		c.Each = func(d *deadletter.Record) error {
			meant[recordID{d.Topic, d.Partition, d.Offset}] = true
			out.deadLetterLine(d, deadLetterView{format: filter.format})
			return out.err
		}
	}, func(topic string, done deadletter.RedriveResult) error {
		says.foreign(topic, done)
		return says.err
	})
	if err != nil && !isUnread(err) {
		return err
	}
	out.line("%d dead letters %s", len(meant), w.will)
	if w.dryRun || out.err != nil {
		return errors.Join(out.err, err)
	}
	if len(meant) == 0 && !w.remove {
		return errors.Join(leftBehind(left), err)
	}
	if !w.yes {
		if err := confirm(s.err, bufio.NewReader(s.in), yesQuestion()); err != nil {
			return err
		}
	}
	if err := w.finish(ctx, out, box, meant, stays); err != nil {
		return err
	}
	return leftBehind(left)
}

// leftBehind is the end of a redrive that left some where they are.
func leftBehind(count int) error {
	if count == 0 {
		return nil
	}
	return &failure{code: status.ExitHalted, err: fmt.Errorf("%d dead letters stay where they are", count)}
}

// stays says why a dead letter does not go back, and what can be done.
func (p *printer) stays(d *deadletter.Record, cfg *config.Config) {
	e := d.Event
	id := shown([]byte(eventID(d, &cfg.Outbox.Format)))
	at := say("walpost: %s/%d@%d, id %s", d.Topic, d.Partition, d.Offset, id)
	switch {
	case errors.Is(d.Stays, deadletter.ErrTopic):
		p.line("%s, does not go back: it names the topic %s, which the file cannot name; --topic %s allows it", at, e.Topic, e.Topic)
	case errors.Is(d.Stays, deadletter.ErrRefused):
		p.line("%s, does not go back: %s", at, shown([]byte(kafka.ServerText(d.Stays)))) // it names the topic
	case e.Partition < 0:
		p.line("%s, lacks %s: it does not go back; with larger limits `walpost replay -c %s --from-id %s --to-id %s` publishes the row, "+
			"as long as it is in the table (its position is %s)",
			at, shown([]byte(d.Incomplete)), cfg.File, id, id, shown([]byte(d.Position)))
	default:
		p.line("%s, lacks %s: it does not go back; the record itself was in %s/%d, offset %d, and is gone",
			at, shown([]byte(d.Incomplete)), e.Topic, e.Partition, e.Offset)
	}
}

func (w *deadLetterCommand) finish(ctx context.Context, out *printer, box *deadLetterTopics, meant map[recordID]bool,
	stays func(*deadletter.Record) error,
) error {
	count := 0
	err := box.each(ctx, w.do, func(c *deadletter.Config) {
		c.Remove, c.Stays = w.remove, stays
		c.Match = func(d *deadletter.Record) bool { return meant[recordID{d.Topic, d.Partition, d.Offset}] }
	}, func(topic string, done deadletter.RedriveResult) error {
		for _, to := range slices.Sorted(maps.Keys(done.Sent)) {
			out.line("%s: %d put back to %s", topic, done.Sent[to], to)
		}
		if count += done.Marked; done.Marked > 0 && len(done.Sent) == 0 {
			out.line("%s: %d discarded", topic, done.Marked)
		}
		for _, p := range slices.Sorted(maps.Keys(done.Removed)) {
			out.line("%s/%d: deleted everything before offset %d", topic, p, done.Removed[p])
		}
		return out.err
	})
	if err == nil {
		out.line("done: %d %s", count, w.did)
		return out.err
	}
	if ctx.Err() != nil {
		return &failure{code: status.ExitUnexpected, err: fmt.Errorf("interrupted: %d of %d %s", count, len(meant), w.did)}
	}
	return fmt.Errorf("%w\n%d of %d %s", err, count, len(meant), w.did)
}
