package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
)

// classify separates a failure that connecting again repairs from one that only an
// operator can repair: the latter becomes a *Halt.
func (l *loop) classify(ctx context.Context, err error) error {
	if isDecided(ctx, err) {
		return err
	}
	// The stream returns the server's error unchanged.
	err = postgres.Classify("stream from slot "+l.opts.Objects.Slot, err)
	e, ok := errors.AsType[*postgres.Error](err)
	if !ok {
		return err
	}
	recoverHint := l.opts.Hints.Recover()
	switch e.Kind {
	case postgres.SlotMissing:
		return &status.Halt{Code: status.ExitHalted, Reason: "the slot does not exist any more", Detail: e.Error(), Hint: recoverHint}
	case postgres.PublicationMissing:
		return &status.Halt{
			Code: status.ExitHalted, Reason: "the publication does not exist at this point of the WAL", Detail: e.Error(),
			Hint: "Postgres looks it up as it was when a row was written, so creating it again does not help; " + recoverHint,
		}
	case postgres.NotReady:
		return l.classifyNotReady(ctx, e, recoverHint)
	case postgres.Unsupported:
		return &status.Halt{Code: status.ExitHalted, Reason: "Postgres refuses to stream", Detail: e.Error(), Hint: e.Hint}
	default:
		return err
	}
}

// isDecided reports whether there is nothing to classify in the end of a stream.
func isDecided(ctx context.Context, err error) bool {
	_, halted := errors.AsType[*status.Halt](err)
	return halted || err == nil || errors.Is(err, errHibernate) || errors.Is(err, errDisconnected) || ctx.Err() != nil
}

// classifyNotReady asks why the slot is not in the state to stream: one that is lost is
// lost for good, anything else may pass.
func (l *loop) classifyNotReady(ctx context.Context, cause *postgres.Error, hint string) error {
	conn, err := l.opts.Target.SQL(ctx)
	if err != nil {
		return cause
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was read from only
	st, err := catalog.ReadSlot(ctx, conn, l.opts.Objects.Slot)
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
		return &status.Halt{
			Code: status.ExitHalted, Reason: "Postgres refuses to stream from the slot", Detail: cause.Error(), Hint: cause.Hint,
		}
	}
}

// classifyDecoding turns a message that cannot be decoded into a *Halt: what came before
// it is still delivered and confirmed.
func (l *loop) classifyDecoding(err error) error {
	e, ok := errors.AsType[*pgoutput.DecodeError](err)
	if !ok {
		return err
	}
	if e.TwoPhase() {
		return l.pipeline.halt(&status.Halt{
			Code: status.ExitHalted, Reason: "the slot decodes prepared transactions (two_phase), and walpost reads what has committed",
			Detail: e.Error(),
			Hint:   "everything before it is in Kafka and confirmed; " + twoPhaseFix(l.opts.Hints),
		})
	}
	return l.pipeline.halt(&status.Halt{
		Code: status.ExitHalted, Reason: "a message of the replication stream cannot be decoded", Detail: e.Error(),
		Hint: "everything before it is in Kafka and confirmed; please report this with the version of Postgres",
	})
}

// twoPhaseFix is the way to a slot without two_phase.
func twoPhaseFix(h status.Hints) string {
	if h.Messages {
		return "`walpost drop -c " + h.File + "` and `walpost init -c " + h.File + "` make a slot without two_phase"
	}
	return "`walpost recover -c " + h.File + "` makes a slot without two_phase"
}

// classifyStart is classify for the start: an answer that waiting does not change is a
// *Halt.
func classifyStart(err error) error {
	e, ok := errors.AsType[*postgres.Error](err)
	if !ok || !e.Kind.Answered() {
		return err
	}
	bare := *e
	bare.Hint = ""
	return &status.Halt{Code: status.ExitRequirement, Reason: "Postgres refuses", Detail: bare.Error(), Hint: e.Hint}
}

// mismatch is a commit that does not close the transaction it follows.
func mismatch(begun, ended pgoutput.LSN) *status.Halt {
	return &status.Halt{
		Code: status.ExitHalted, Reason: "the replication stream contradicts itself",
		Detail: fmt.Sprintf("a transaction began with commit LSN %s and ended with %s", begun, ended),
	}
}
