package relay

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/status"
)

// inspectTimeout is how long each inspection of the database may take.
const inspectTimeout = time.Minute

// verifyStart checks the requirements of a start and creates publication and slot
// at the first one, however long that takes. A server that cannot be reached is an
// error to wait out; one that answers with what waiting does not change is a *Halt
// with code 3 or 4.
func (l *loop) verifyStart(ctx context.Context, stop <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // nothing is read yet, so a stop ends the start at once
		select {
		case <-ctx.Done():
		case <-stop:
			cancel()
		}
	}()
	for first := true; ; first = false {
		if ready, err := l.stepOfStart(ctx, first); ready || err != nil {
			return err
		}
	}
}

// stepOfStart inspects the database and creates the next thing that is missing. It
// reports whether nothing is missing any more.
func (l *loop) stepOfStart(ctx context.Context, first bool) (ready bool, err error) {
	limited, cancel := context.WithTimeout(ctx, l.timing.inspectTimeout)
	defer cancel()
	conn, err := l.opts.Target.SQL(limited)
	if err != nil {
		return false, classifyStart(err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // what it was for is done
	l.state.Swap(status.Verifying, "", status.Connecting)
	there, err := l.inspectStart(limited, conn, first)
	if err != nil {
		return false, err
	}
	switch {
	case there.Slot != nil && there.Slot.Making():
		return false, l.awaitSlot(ctx, conn, there.Slot.ActivePID)
	case there.Slot != nil && there.Publication != nil && there.Publication.Unfinished:
		return true, classifyStart(provision.FinishPublication(limited, conn, l.opts.Objects.Publication, l.opts.Objects.Slot))
	case there.Slot != nil:
		return true, nil
	default:
		return false, l.create(ctx, conn)
	}
}

// inspectStart inspects the database and checks the requirements of a start.
func (l *loop) inspectStart(ctx context.Context, conn *pgx.Conn, first bool) (*catalog.Inspection, error) {
	inspection, err := catalog.Inspect(ctx, conn, l.opts.Objects)
	if err != nil {
		return nil, classifyStart(err)
	}
	wanted, err := l.opts.Expectations(ctx, conn, inspection.Table)
	if err != nil {
		return nil, classifyStart(err)
	}
	list := preflight.Postgres(inspection, wanted)
	for _, q := range list {
		if q.State == preflight.Warning && first {
			l.log.Warn("requirement", zap.String("name", q.Name), zap.String("detail", q.Detail), zap.String("fix", q.Fix))
		}
	}
	if fault := preflight.CheckStart(list); fault != nil {
		return nil, &status.Halt{
			Code: fault.Exit, Reason: "the requirements for a start are not met", Detail: fault.Error(),
			Hint: "`walpost check -c " + l.opts.Hints.File + "` shows them all",
		}
	}
	if inspection.Table != nil && inspection.Slot == nil {
		l.pipeline.oid = inspection.Table.OID
	}
	return inspection, nil
}
