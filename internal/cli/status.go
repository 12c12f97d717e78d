package cli

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/status"
)

// statusTimeout is for reading the status of one relay.
const statusTimeout = 20 * time.Second

func newStatus(s *streams) *cobra.Command {
	var asJSON, watch bool
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "status -c FILE",
		Short: "Show state, slot, positions, lag and the WAL retained",
		Long: `Show what a relay is doing: state, slot, how far it is confirmed, lag, and what to do.

The running relay is asked at admin.listen. When none answers there, Postgres and Kafka
are asked instead: what only a running relay knows is then missing (null with --json).
With several files --json writes a list, with one an object, as /status does.

The exit code is 0 whatever the state, 3 when the relay and the servers do not answer.`,
		Example: `  walpost status -c orders.yaml
  walpost status -c orders.yaml --watch
  walpost status -c orders.yaml --json | jq .slot.retained_bytes`,
		Args: cobra.NoArgs,
	}
	load := files(cmd)
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "refresh until interrupted; with --json one line each time")
	cmd.Flags().DurationVar(&every, "interval", 2*time.Second, "time between two refreshes of --watch")
	cmd.RunE = action(func(cmd *cobra.Command) error {
		if every <= 0 {
			return usage("--interval: want more than 0, like 2s")
		}
		cfgs, err := load()
		if err != nil {
			return err
		}
		ctx, cancel := interruptible(cmd.Context())
		defer cancel()
		if !watch {
			return showStatus(ctx, s, cfgs, asJSON)
		}
		return watchStatus(ctx, s, cfgs, asJSON, every)
	})
	return cmd
}

// showStatus shows every relay once. One that neither answers nor has a Postgres
// that does is among them, and makes the code 3.
func showStatus(ctx context.Context, s *streams, cfgs []*config.Config, asJSON bool) error {
	list, err := readStatuses(ctx, cfgs)
	if asJSON {
		return errors.Join(writeJSON(s.out, list), err)
	}
	return errors.Join(printStatuses(newPrinter(s.out), list), err)
}

// watchStatus shows every relay until ctx ends, which is no failure.
func watchStatus(ctx context.Context, s *streams, cfgs []*config.Config, asJSON bool, every time.Duration) error {
	out := newPrinter(s.out)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		list, _ := readStatuses(ctx, cfgs) // the list says it too, and the next attempt may succeed
		if ctx.Err() != nil {
			return nil
		}
		var err error
		if asJSON {
			err = json.NewEncoder(s.out).Encode(list)
		} else {
			if out.human {
				out.clear(time.Now().Format(time.TimeOnly))
			}
			err = printStatuses(out, list)
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// readStatuses asks the process that runs the relays, and the servers about those
// it does not run.
func readStatuses(ctx context.Context, cfgs []*config.Config) (status.Reports, error) {
	running := map[string]status.Report{}
	if address := cfgs[0].Admin.Listen; address != "" {
		for _, r := range askRunning(ctx, address) {
			running[r.Relay] = r
		}
	}
	list := status.Reports{}
	var failures []error
	for _, c := range cfgs {
		if r, ok := running[c.Name]; ok {
			list = append(list, r)
			continue
		}
		r, err := readStatus(ctx, c)
		if err != nil {
			failures = append(failures, err)
		}
		list = append(list, r)
	}
	return list, errors.Join(failures...)
}
