package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/replication"
	"github.com/walpost/walpost/internal/status"
)

// startStream connects, verifies that server and slot are the same as before, and starts the stream.
func (l *loop) startStream(ctx context.Context) (*replication.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	l.state.Swap(status.Connecting, "", status.Streaming, status.Throttled, status.KafkaUnavailable, status.Verifying)
	slot := l.opts.Objects.Slot
	session, err := replication.Open(ctx, l.opts.Target, slot)
	if err != nil {
		return nil, err
	}
	l.near, l.idleLimit = session.Near(), session.IdleMax
	l.seen.SetPostgres(session.Version)
	if err := l.verifyIdentity(ctx, session); err != nil {
		session.Close(ctx)
		return nil, err
	}
	stream, err := session.Start(ctx, slot, l.opts.Objects.Publication, l.opts.messages())
	if err != nil {
		return nil, err
	}
	stream.Bound(2*l.opts.MaxMessageBytes+1<<20, l.pipeline)
	l.pipeline.clock, l.pipeline.inside = session.Clock, false
	l.observer.PostgresConnected()
	l.standby = standby{}
	if l.trial.on {
		l.trial.begin(l.stats.events.Load())
		return stream, nil
	}
	l.log.Info("streaming", zap.String("slot", slot), zap.String("system", session.SystemID),
		zap.Int32("timeline", session.Timeline), zap.Stringer("confirmed_lsn", session.Slot.Confirmed))
	l.outage.end(l.log)
	return stream, nil
}

// runStream runs one stream to its end, and the orderly end of a planned stop or a halt.
func (l *loop) runStream(ctx context.Context, stop <-chan struct{}, stream *replication.Stream) error {
	inner, cancel := context.WithCancelCause(ctx)
	l.present.Store(stream)
	defer l.present.Store(nil)
	unwatch := context.AfterFunc(inner, stream.Wake)
	defer unwatch()
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel(nil)
	if !l.trial.on {
		l.state.Set(status.Streaming, "", "")
	}
	watcher := stateWatcher{shared: l.shared, producer: l.producer, trial: &l.trial, outage: &l.outage}
	near := l.near
	beside.Go(func() { watcher.run(inner, cancel, stop, stream.Wake) })
	beside.Go(func() { l.guard.run(inner, near, cancel) })
	if l.pruner != nil {
		beside.Go(func() { l.pruner.run(inner, near) })
	}
	beside.Go(func() { l.retention.run(inner) })
	if l.resumer != nil {
		beside.Go(func() { l.resume(inner, cancel, stream.Wake) })
	}

	err := l.classifyDecoding(stream.Run(inner, stop, l.pipeline))
	halt, halted := errors.AsType[*status.Halt](err)
	if err != nil && !halted {
		return err
	}
	l.producer.Flush()
	l.state.Set(status.Stopping, "waiting for Kafka to acknowledge what was read", "")
	draining := inner
	if halted {
		limited, done := context.WithTimeoutCause(ctx, l.opts.ShutdownTimeout, errDeadline)
		defer done()
		draining = limited
	}
	if err := stream.KeepAliveUntil(draining, l.pipeline, l.producer.Idle); err != nil && !halted {
		return err
	}
	finish, done := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer done()
	if err := stream.Finish(finish, l.pipeline); err != nil && !halted {
		return fmt.Errorf("confirm at the end: %w", err)
	}
	if halted {
		return halt
	}
	return nil
}

// resume finds where to continue, and then lets the stream be read.
func (l *loop) resume(ctx context.Context, end context.CancelCauseFunc, wake func()) {
	if err := l.resumer.Find(ctx, l.producer); err != nil && ctx.Err() == nil {
		end(err)
		return
	}
	wake()
}
