package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

func newDrop(s *streams) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "drop -c FILE",
		Short: "Remove the slot and the publication",
		Long: `Remove the slot, then the publication. Rows that were committed and not yet published
will never be published. Table and topics stay. drop refuses while a relay streams from
the slot, and asks for the slot's name unless --yes is given.`,
		Example: "  walpost drop -c orders.yaml\n  walpost drop -c orders.yaml --yes",
		Args:    cobra.NoArgs,
	}
	load := files(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.RunE = onFiles(load, func(ctx context.Context, cfgs []*config.Config) error {
		in := bufio.NewReader(s.in)
		for _, c := range cfgs {
			ask := func(slot *catalog.Slot) error { return confirmDrop(s.err, in, c, slot) }
			if yes {
				ask = func(*catalog.Slot) error { return nil }
			}
			if err := drop(ctx, c, newPrinter(s.out), ask); err != nil {
				return err
			}
		}
		return nil
	})
	return cmd
}

// drop removes what is there, after ask has agreed.
func drop(ctx context.Context, cfg *config.Config, out *printer, ask func(*catalog.Slot) error) error {
	conn, err := wiring.Target(cfg).Connect(ctx)
	if err != nil {
		return err
	}
	defer postgres.HangUp(ctx, conn)
	there, err := catalog.Inspect(ctx, conn, wiring.Names(cfg))
	if err != nil {
		return err
	}
	if err := there.OnPrimary(); err != nil {
		return err
	}
	slot, publication := cfg.Postgres.Slot, cfg.Postgres.Publication
	if there.Slot != nil && there.Slot.Active {
		return &failure{code: status.ExitRequirement, err: fmt.Errorf(
			"slot %s is in use by backend %d: stop the relay that streams from it, or SELECT pg_terminate_backend(%[2]d)",
			slot, there.Slot.ActivePID)}
	}
	if there.Slot != nil || there.Publication != nil {
		if err := ask(there.Slot); err != nil {
			return err
		}
	}
	leftover := recover.TemporaryName(slot)
	dropped, err := provision.DropSlot(ctx, conn, leftover)
	if err != nil {
		return err
	}
	if dropped {
		out.line("dropped slot %s, which an interrupted command has left", leftover)
	}
	dropped, err = provision.DropSlot(ctx, conn, slot)
	if err != nil {
		return err
	}
	out.line("%s slot %s", gone(dropped), slot)
	dropped, err = provision.DropPublication(ctx, conn, publication)
	if postgres.KindOf(err) == postgres.InsufficientPrivilege {
		return fmt.Errorf("%w; its owner can: DROP PUBLICATION %s", err, pgname.Quote(publication))
	}
	if err != nil {
		return err
	}
	out.line("%s publication %s", gone(dropped), publication)
	return out.err
}

func gone(dropped bool) string {
	if dropped {
		return "dropped"
	}
	return "absent"
}

// confirmDrop shows what is dropped and asks for the slot's name.
func confirmDrop(w io.Writer, in *bufio.Reader, cfg *config.Config, slot *catalog.Slot) error {
	text := fmt.Sprintf("This removes slot %s and publication %s.", cfg.Postgres.Slot, cfg.Postgres.Publication)
	if slot != nil {
		text += "\n" + slot.Unconfirmed() + " were not confirmed: rows in them are published by nobody."
	}
	out := newPrinter(w)
	if out.line("%s", lines(text)); out.err != nil {
		return out.err
	}
	return confirm(w, in, slotQuestion(cfg.Postgres.Slot, "nothing was dropped"))
}
