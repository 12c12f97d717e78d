package relay

import (
	"context"
	"errors"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// undecodable turns a message that cannot be decoded into a *Halt: what came before
// it is still delivered and confirmed.
func (r *Relay) undecodable(err error) error {
	e, ok := errors.AsType[*pgoutput.DecodeError](err)
	if !ok {
		return err
	}
	if e.TwoPhase() {
		return r.pipeline.halt(&status.Halt{
			Code: status.ExitHalted, Reason: "the slot decodes prepared transactions (two_phase), and walpost reads what has committed", Detail: e.Error(),
			Hint: "everything before it is in Kafka and confirmed; " + twoPhaseFix(r.cfg),
		})
	}
	return r.pipeline.halt(&status.Halt{
		Code: status.ExitHalted, Reason: "a message of the replication stream cannot be decoded", Detail: e.Error(),
		Hint: "everything before it is in Kafka and confirmed; please report this with the version of Postgres",
	})
}

// twoPhaseFix is the way to a slot without two_phase.
func twoPhaseFix(cfg *config.Config) string {
	if cfg.Outbox.Messages() {
		return "`walpost drop -c " + cfg.File + "` and `walpost init -c " + cfg.File + "` make a slot without two_phase"
	}
	return "`walpost recover -c " + cfg.File + "` makes a slot without two_phase"
}

// decide tells a failure that connecting again mends from one that only an
// operator can mend: the latter becomes a *Halt.
func (r *Relay) decide(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*status.Halt](err); ok || err == nil || errors.Is(err, errHibernate) || errors.Is(err, errLetGo) || ctx.Err() != nil {
		return err
	}
	// The stream gives the server's words as they are.
	err = postgres.Classify("stream from slot "+r.cfg.Postgres.Slot, err)
	e, ok := errors.AsType[*postgres.Error](err)
	if !ok {
		return err
	}
	recoverHint := wiring.HintsOf(r.cfg).Recover()
	switch e.Kind {
	case postgres.SlotMissing:
		return &status.Halt{Code: status.ExitHalted, Reason: "the slot does not exist any more", Detail: e.Error(), Hint: recoverHint}
	case postgres.PublicationMissing:
		return &status.Halt{
			Code: status.ExitHalted, Reason: "the publication does not exist at this point of the WAL", Detail: e.Error(),
			Hint: "Postgres looks it up as it was when a row was written, so creating it again does not help; " + recoverHint,
		}
	case postgres.NotReady:
		return r.slotState(ctx, e, recoverHint)
	case postgres.Unsupported:
		return &status.Halt{Code: status.ExitHalted, Reason: "Postgres refuses to stream", Detail: e.Error(), Hint: e.Hint}
	default:
		return err
	}
}

// slotState asks why the slot is not in the state to stream: one that is lost is
// lost for good, anything else may pass.
func (r *Relay) slotState(ctx context.Context, cause *postgres.Error, hint string) error {
	conn, err := r.target.SQL(ctx)
	if err != nil {
		return cause
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was read from only
	st, err := catalog.ReadSlot(ctx, conn, r.cfg.Postgres.Slot)
	switch {
	case err != nil:
		return cause
	case st == nil:
		return &status.Halt{Code: status.ExitHalted, Reason: "the slot does not exist any more", Detail: cause.Error(), Hint: hint}
	case st.Lost():
		return &status.Halt{
			Code: status.ExitHalted, Reason: "the slot is lost: " + st.Loss().Reason, Detail: cause.Error(),
			Hint: hint + "; " + st.Loss().Fix + " so that it does not happen again",
		}
	default:
		return &status.Halt{Code: status.ExitHalted, Reason: "Postgres refuses to stream from the slot", Detail: cause.Error(), Hint: cause.Hint}
	}
}
