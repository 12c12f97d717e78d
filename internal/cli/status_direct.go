package cli

import (
	"context"
	"time"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// readStatus asks Postgres and Kafka about a relay. Only Postgres not answering is
// an error: without it there is nothing to say of a relay.
func readStatus(ctx context.Context, cfg *config.Config) (status.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	slot, version, err := readSlot(ctx, cfg)
	st := reportFromSlot(slot, cfg)
	if err != nil {
		st = stoppedReport()
		st.State, st.Reason = status.Connecting, err.Error()
		warn(&st, cfg, status.ConditionPostgres, err.Error())
	}
	st.Relay, st.Version, st.Postgres = cfg.Name, thisBuild().Version, version
	client, unreachable := kafka.Connect(ctx, wiring.Kafka(cfg))
	if unreachable != nil {
		warn(&st, cfg, status.ConditionKafka, unreachable.Error())
	} else {
		client.Close()
	}
	return st, err
}

// readSlot returns the slot, nil when there is none, and the version of the server.
func readSlot(ctx context.Context, cfg *config.Config) (*catalog.Slot, *string, error) {
	conn, err := wiring.Target(cfg).Connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer postgres.HangUp(ctx, conn)
	version := conn.PgConn().ParameterStatus("server_version")
	slot, err := catalog.ReadSlot(ctx, conn, cfg.Postgres.Slot)
	return slot, &version, err
}

func stoppedReport() status.Report {
	return status.Report{
		State: status.Stopped, Conditions: []status.Condition{}, Topics: []status.TopicReport{},
		Rejected: []status.Rejections{}, ConsumerGroups: []status.GroupLag{},
	}
}

// warn adds a condition that is there now; since when, nobody has seen.
func warn(st *status.Report, cfg *config.Config, name, detail string) {
	c := wiring.HintsOf(cfg).Condition(name, detail)
	c.Since = time.Now().Truncate(time.Second)
	st.Conditions = append(st.Conditions, c)
}

// reportFromSlot says what a slot tells of its relay; nil is no slot.
func reportFromSlot(slot *catalog.Slot, cfg *config.Config) status.Report {
	st := stoppedReport()
	st.Slot = slot
	if slot == nil {
		st.Reason = "the slot does not exist"
		warn(&st, cfg, status.ConditionSlotMissing, "")
		st.Hint = st.Conditions[0].Hint
		return st
	}
	st.LagBytes = slot.LagBytes
	switch {
	case slot.Lost():
		st.State = status.HaltedState
		st.Reason = "the slot is lost: " + slot.Loss().Reason
		st.Hint = wiring.HintsOf(cfg).Recover() + "; " + slot.Loss().Fix + " so that it does not happen again"
		warn(&st, cfg, status.ConditionSlotLost, "")
	case slot.Active:
		st.State, st.Reason = status.Streaming, "a connection streams from the slot"
	default:
		st.Reason = "no connection streams from the slot"
	}
	if slot.AtRisk() {
		warn(&st, cfg, status.ConditionSlotAtRisk, "")
	}
	return st
}
