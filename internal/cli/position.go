package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/position"
	"github.com/walpost/walpost/internal/reposition"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

func newPosition(s *streams) *cobra.Command {
	var set string
	var yes, asJSON bool
	cmd := &cobra.Command{
		Use:   "position -c FILE [--set slot|LSN]",
		Short: "Show or set the position in Kafka (exactly_once)",
		Long: `Show how far the events of the slot are in Kafka, as the relay has written it there
in the same transaction, and whether the relay can continue from it. Nothing is changed.

With --set it is written anew: the relay then publishes what commits after it, and nothing
before it. "slot" stands for what the slot has confirmed. Where events after that were
published already, they repeat; where the LSN lies behind events that were not published,
they are missing: see "walpost audit". An LSN before that of the slot, or beyond the end
of the WAL, is refused. A relay that runs must be stopped before.`,
		Example: `  walpost position -c orders.yaml
  walpost position -c orders.yaml --set slot        # the first start on a slot of at_least_once
  walpost position -c orders.yaml --set 0/16B3748`,
		Args: cobra.NoArgs,
	}
	load := files(cmd)
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&set, "set", "", "write the position: slot, or an LSN")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.RunE = onFiles(load, func(ctx context.Context, cfgs []*config.Config) error {
		in := bufio.NewReader(s.in)
		for _, cfg := range cfgs {
			c := positionCommand{cfg: cfg, streams: s, json: asJSON}
			if err := c.run(ctx, set, func() error {
				if yes {
					return nil
				}
				return confirm(s.err, in, yesQuestion())
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return cmd
}

// positionCommand shows or sets the position of one relay.
type positionCommand struct {
	*streams

	cfg  *config.Config
	json bool

	slot   position.Slot
	active bool
}

func (c *positionCommand) run(ctx context.Context, set string, ask func() error) error {
	if !c.cfg.Delivery.ExactlyOnce() {
		return usage("%s: delivery.guarantee is %s, and only exactly_once has a position", c.cfg.File, c.cfg.Delivery.Guarantee)
	}
	var err error
	if c.slot, c.active, err = reposition.Slot(ctx, c.cfg); err != nil {
		return err
	}
	if c.slot.Name == "" {
		return requirement("slot %s does not exist: `walpost init -c %s` creates it", c.cfg.Postgres.Slot, c.cfg.File)
	}
	value, err := reposition.Read(ctx, c.cfg)
	if _, open := errors.AsType[*position.OpenError](err); err != nil && !open {
		return err
	}
	if set == "" {
		return c.show(ctx, value)
	}
	return c.set(ctx, set, ask)
}

// shownPosition is the command's JSON.
type shownPosition struct {
	Relay    string          `json:"relay"`
	Topic    string          `json:"topic"`
	Key      string          `json:"key"`
	Position json.RawMessage `json:"position"` // null: none
	Slot     string          `json:"slot"`
	Confirm  string          `json:"confirmed_lsn"`
	GoesOn   bool            `json:"goes_on"`
	Reason   string          `json:"reason,omitempty"` // why the relay does not go on from it
}

func (c *positionCommand) show(ctx context.Context, value []byte) error {
	_, misfit := c.slot.Judge(ctx, value)
	shown := shownPosition{
		Relay: c.cfg.Name, Topic: c.cfg.Delivery.PositionTopic, Key: c.cfg.Delivery.TransactionalID, Position: value,
		Slot: c.slot.Name, Confirm: c.slot.Confirmed.String(), GoesOn: misfit == nil,
	}
	if misfit != nil {
		shown.Reason = misfit.Error()
	}
	out := newPrinter(c.out)
	if c.json {
		out.err = writeJSON(c.out, shown)
	} else {
		c.print(out, value, misfit)
	}
	if e, ok := errors.AsType[*position.MisfitError](misfit); out.err == nil && ok && e.SetTo > 0 {
		return requirement("the relay does not continue from it: `walpost position -c %s --set %s` lets it continue there with what the "+
			"server has", c.cfg.File, e.SetTo)
	}
	if out.err == nil && misfit != nil {
		return requirement("the relay does not continue from it: `walpost audit -c %[1]s` shows what is missing, and "+
			"`walpost position -c %[1]s --set slot` begins where the slot is", c.cfg.File)
	}
	return out.err
}

func (c *positionCommand) print(out *printer, value []byte, misfit error) {
	out.line("position  topic %s, key %s", c.cfg.Delivery.PositionTopic, c.cfg.Delivery.TransactionalID)
	if p, err := position.Parse(value); err == nil {
		out.line("          last event: commit LSN %s, ordinal %d", p.Event.CommitLSN, p.Event.Ordinal)
		out.line("          complete up to %s, timeline %d, written by %s", p.Complete, p.Timeline, p.Host)
	}
	out.line("slot      %s, confirmed up to %s, timeline %d", c.slot.Name, c.slot.Confirmed, c.slot.Timeline)
	if misfit == nil {
		out.line("the relay continues after the last event")
		return
	}
	out.line("%s", misfit)
}

// set writes the position.
func (c *positionCommand) set(ctx context.Context, to string, ask func() error) error {
	p := c.slot.First(wiring.Host())
	if to != "slot" {
		lsn, err := pgoutput.ParseLSN(to)
		if err != nil {
			return usage("--set: want slot, or an LSN like 0/16B3748: %v", err)
		}
		switch {
		case lsn < c.slot.Confirmed:
			return usage("--set: %s lies before %s, up to which the slot is confirmed: Postgres does not send it again", lsn,
				c.slot.Confirmed)
		case lsn > c.slot.Flushed:
			return usage("--set: %s lies beyond %s, where the server's WAL ends: what commits until then would not be published", lsn,
				c.slot.Flushed)
		}
		p.Event.CommitLSN, p.Complete = lsn, lsn
	}
	if c.active {
		return &failure{code: status.ExitRequirement, err: fmt.Errorf("a relay streams from slot %s: stop it first", c.slot.Name)}
	}
	newPrinter(c.err).line("The relay will publish what commits after %s, and nothing before it.", p.Complete)
	if err := ask(); err != nil {
		return err
	}
	if err := reposition.Set(ctx, c.cfg, p, zap.NewNop()); err != nil {
		return err
	}
	out := newPrinter(c.out)
	out.line("set the position of %s to %s", c.slot.Name, p.Complete)
	return out.err
}
