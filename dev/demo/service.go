package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	workers      = 4
	perSecond    = 500 // transactions of all workers, where the machine is fast enough
	workerPeriod = workers * time.Second / perSecond
)

// service is the order service: a few workers, each with a connection of its own.
type service struct {
	book  *ledger
	conns []*pgx.Conn
	stop  chan struct{}
	group sync.WaitGroup
}

// startService starts the workers. One that fails tells fail.
func startService(ctx context.Context, url string, book *ledger, fail func(error)) (*service, error) {
	sv := &service{book: book, stop: make(chan struct{})}
	for range workers {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("order service: %w", err), sv.end(ctx))
		}
		sv.conns = append(sv.conns, conn)
	}
	for _, conn := range sv.conns {
		sv.group.Go(func() {
			if err := sv.work(ctx, conn); err != nil {
				fail(fmt.Errorf("order service: %w", err))
			}
		})
	}
	return sv, nil
}

// work runs one transaction after another.
func (sv *service) work(ctx context.Context, conn *pgx.Conn) error {
	tick := time.NewTicker(workerPeriod)
	defer tick.Stop()
	for {
		select {
		case <-sv.stop:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
			if err := serve(ctx, conn, sv.book); err != nil {
				return err
			}
		}
	}
}

// end lets every worker finish its transaction and returns when all have.
func (sv *service) end(ctx context.Context) error {
	close(sv.stop)
	sv.group.Wait()
	var errs []error
	for _, conn := range sv.conns {
		errs = append(errs, conn.Close(ctx))
	}
	return errors.Join(errs...)
}
