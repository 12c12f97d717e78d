package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// startLook is what each look at the database may take.
const startLook = time.Minute

// verifyStart judges the requirements of a start and creates publication and slot
// at the first one, however long that takes. A server that cannot be reached is an
// error to wait out; one that answers with what waiting does not change is a *Halt
// with code 3 or 4.
func (r *Relay) verifyStart(ctx context.Context, stop <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // nothing is read yet: what a stop finds here ends at once
		select {
		case <-ctx.Done():
		case <-stop:
			cancel()
		}
	}()
	for first := true; ; first = false {
		if ready, err := r.stepOfStart(ctx, first); ready || err != nil {
			return err
		}
	}
}

// stepOfStart looks at the database and does the next thing that is missing. It
// reports whether nothing is.
func (r *Relay) stepOfStart(ctx context.Context, first bool) (ready bool, err error) {
	limited, cancel := context.WithTimeout(ctx, r.startLook)
	defer cancel()
	conn, err := r.target.SQL(limited)
	if err != nil {
		return false, definite(err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // what it was for is done
	r.state.swap(status.Verifying, "", status.Connecting)
	there, err := r.inspectStart(limited, conn, first)
	if err != nil {
		return false, err
	}
	switch {
	case there.Slot != nil && there.Slot.Making():
		return false, r.awaitSlot(ctx, conn, there.Slot.ActivePID)
	case there.Slot != nil && there.Publication != nil && there.Publication.Unfinished:
		return true, definite(provision.FinishPublication(limited, conn, r.cfg.Postgres.Publication, r.cfg.Postgres.Slot))
	case there.Slot != nil:
		return true, nil
	default:
		return false, r.create(ctx, conn)
	}
}

// inspectStart looks at the database and judges it.
func (r *Relay) inspectStart(ctx context.Context, conn *pgx.Conn, first bool) (*catalog.Inspection, error) {
	inspection, err := catalog.Inspect(ctx, conn, wiring.Names(r.cfg))
	if err != nil {
		return nil, definite(err)
	}
	wanted, err := wiring.Wanted(r.cfg, nil)
	if err != nil {
		return nil, definite(err)
	}
	list := preflight.Postgres(inspection, wanted)
	for _, q := range list {
		if q.State == preflight.Warning && first {
			r.log.Warn("requirement", zap.String("name", q.Name), zap.String("detail", q.Detail), zap.String("fix", q.Fix))
		}
	}
	if fault := preflight.JudgeStart(list); fault != nil {
		return nil, &status.Halt{
			Code: fault.Exit, Reason: "the requirements for a start are not met", Detail: fault.Error(),
			Hint: "`walpost check -c " + r.cfg.File + "` shows them all",
		}
	}
	if inspection.Table != nil && inspection.Slot == nil {
		r.pipeline.oid = inspection.Table.OID
	}
	return inspection, nil
}

// definite turns an answer that waiting does not change into the end of the start.
func definite(err error) error {
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
