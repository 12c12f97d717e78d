package cli

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/replication"
)

// status is a relay as `status --json` and /status show it. What Postgres does
// not know, and only the process could say, is null here.
type status struct {
	Relay      string                  `json:"relay"`
	State      relay.State             `json:"state"`
	Since      *time.Time              `json:"since"`
	Reason     string                  `json:"reason"`
	Hint       string                  `json:"hint"`
	Slot       *replication.SlotStatus `json:"slot"` // null: there is none
	LagBytes   *int64                  `json:"lag_bytes"`
	LagSeconds *float64                `json:"lag_seconds"`
	InFlight   *inFlight               `json:"in_flight"`
	LastError  *lastError              `json:"last_error"`
	Conditions []condition             `json:"conditions"`
	Version    string                  `json:"version"`
}

type inFlight struct {
	Events int   `json:"events"`
	Bytes  int64 `json:"bytes"`
}

type lastError struct {
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

type condition struct {
	Name     string     `json:"name"`
	Severity string     `json:"severity"` // warning, error
	Since    *time.Time `json:"since"`
	Hint     string     `json:"hint"`
}

// statusTimeout is for one look at one database.
const statusTimeout = 20 * time.Second

func newStatus(s *streams) *cobra.Command {
	var asJSON, watch bool
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "status -c FILE",
		Short: "Show slot, positions, lag and the WAL retained",
		Long: `Show what Postgres knows of a relay: its slot, how far it is confirmed, and how much WAL
the slot keeps. The relay itself is not asked: it need not run.`,
		Example: `  walpost status -c orders.yaml
  walpost status -c orders.yaml --watch
  walpost status -c orders.yaml --json | jq '.[0].slot.retained_bytes'`,
		Args: cobra.NoArgs,
	}
	load := files(cmd)
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "show it again and again; with --json one line each time")
	cmd.Flags().DurationVar(&every, "interval", 2*time.Second, "time between two looks of --watch")
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

// showStatus shows every relay once. One whose Postgres does not answer is among
// them, and makes the code 3.
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
		list, _ := readStatuses(ctx, cfgs) // the list says it too, and the next look may succeed
		if ctx.Err() != nil {
			return nil
		}
		var err error
		if asJSON {
			err = json.NewEncoder(s.out).Encode(list)
		} else {
			if out.human {
				out.line("\x1b[H\x1b[2J%s", time.Now().Format(time.TimeOnly))
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

func readStatuses(ctx context.Context, cfgs []*config.Config) ([]status, error) {
	var list []status
	var failures []error
	for _, c := range cfgs {
		st, err := readStatus(ctx, c)
		if err != nil {
			failures = append(failures, err)
			st = status{State: relay.Connecting, Reason: err.Error(), Conditions: []condition{{Name: "postgres_unreachable", Severity: "error"}}}
		}
		st.Relay, st.Version = c.Name, thisBuild().Version
		list = append(list, st)
	}
	return list, errors.Join(failures...)
}

// readStatus asks Postgres.
func readStatus(ctx context.Context, cfg *config.Config) (status, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	conn, hangUp, err := connect(ctx, cfg)
	if err != nil {
		return status{}, err
	}
	defer hangUp()
	slot, err := replication.ReadSlotStatus(ctx, conn, cfg.Postgres.Slot)
	if err != nil {
		return status{}, err
	}
	return judge(slot), nil
}

// judge says what a slot tells of its relay; nil is no slot.
func judge(slot *replication.SlotStatus) status {
	st := status{State: relay.Stopped, Slot: slot, Conditions: []condition{}}
	warn := func(name, severity, hint string) {
		st.Conditions = append(st.Conditions, condition{Name: name, Severity: severity, Hint: hint})
	}
	if slot == nil {
		st.Reason, st.Hint = "the slot does not exist", "walpost init -c FILE"
		warn("slot_missing", "error", st.Hint)
		return st
	}
	st.LagBytes = &slot.LagBytes
	switch {
	case slot.WALStatus == "lost":
		st.State = relay.HaltedState
		st.Reason, st.Hint = "the slot is lost: Postgres has removed WAL it needed", "walpost check -c FILE says what to do"
		warn("slot_lost", "error", st.Hint)
	case slot.Active:
		st.State, st.Reason = relay.Streaming, "a connection streams from the slot"
	default:
		st.Reason = "no connection streams from the slot"
	}
	if slot.WALStatus == "unreserved" || slot.WALStatus == "extended" {
		warn("slot_behind", "warning", "let walpost catch up, or raise max_slot_wal_keep_size")
	}
	return st
}
