package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/walpost/walpost/dev/devstack"
)

// demo is what is there while the show runs.
type demo struct {
	options
	screen *screen
	fail   func(error) // ends the show from any goroutine

	dir      string // walpost's configuration and log
	stack    *stack
	config   configuration
	relay    *relay
	book     *ledger
	service  *service
	consumer *consumer
	monitor  *monitor
	kills    int
}

// show runs the whole show and cleans up behind it.
func show(ctx context.Context, s *screen, o options) (err error) {
	ctx, fail := context.WithCancelCause(ctx)
	d := &demo{options: o, screen: s, fail: fail, book: newLedger()}
	defer func() { err = errors.Join(err, d.close(context.WithoutCancel(ctx))) }()
	defer fail(nil)
	for _, scene := range []func(context.Context) error{d.prepare, d.play, d.drain, d.verdict, d.services, d.stay} {
		if err := scene(ctx); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause // what came first
			}
			return err
		}
	}
	return nil
}

// prepare starts the servers and walpost.
func (d *demo) prepare(ctx context.Context) (err error) {
	if d.stack, err = startStack(ctx, d.screen, d.options); err != nil {
		return err
	}
	d.dir = filepath.Join(d.stack.postgres.SocketDir(), "demo") // it is removed with Postgres, however this process ends
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		return err
	}
	d.config, err = writeConfiguration(ctx, filepath.Join(d.dir, "demo.yaml"), d.stack.url(), d.stack.broker.address())
	if err != nil {
		return err
	}
	d.screen.headline("demo.yaml, all that walpost needs to know")
	d.screen.say("%s", indent(strings.TrimSpace(d.config.text)))
	if err := initialize(ctx, d.screen, d.walpost, d.config); err != nil {
		return withLog(err, "Postgres", d.stack.postgres.LogTail())
	}
	if err := d.stack.postgres.Exec(ctx, database, createOrders); err != nil {
		return err
	}
	if err := createTopic(d.stack.broker); err != nil {
		return err
	}
	d.screen.say("")
	d.screen.say("The topic's name comes from a column, so it is made by hand: %s, %d partitions.", topic, partitions)
	d.screen.headline("$ walpost run -c demo.yaml")
	return d.startRelay(ctx)
}

// startRelay starts walpost and tells when it streams.
func (d *demo) startRelay(ctx context.Context) (err error) {
	from := time.Now()
	if d.relay, err = startRelay(ctx, d.walpost, d.config, d.log(), d.fail); err != nil {
		return err
	}
	if err := d.relay.ready(ctx); err != nil {
		return err
	}
	d.screen.say("  walpost is process %d and streams after %d ms.", d.relay.pid(), time.Since(from).Milliseconds())
	return nil
}

// log is the file that walpost writes to.
func (d *demo) log() string { return filepath.Join(d.dir, "walpost.log") }

// play lets the service work and kills the relay in the middle.
func (d *demo) play(ctx context.Context) (err error) {
	s := d.screen
	s.say("")
	s.say("An order service works for %s: %d workers change %d orders, and write an event for each change", d.length, workers, orders)
	s.say("in the same transaction. Some transactions are rolled back, others take back one change by a savepoint.")
	s.say("committed: in the database · published: seen by a consumer · acknowledged: confirmed to the slot")
	s.say("")
	if d.consumer, err = startConsumer(ctx, d.stack.broker.address(), d.fail); err != nil {
		return err
	}
	conn, err := d.stack.postgres.Connect(ctx, database)
	if err != nil {
		return err
	}
	d.monitor = startMonitor(ctx, s, conn, d.book, d.consumer, d.fail)
	if d.service, err = startService(ctx, d.stack.url(), d.book, d.fail); err != nil {
		return err
	}
	end := time.Now().Add(d.length)
	if err := devstack.Sleep(ctx, d.length*2/5); err != nil {
		return err
	}
	if err := d.killRelay(ctx); err != nil {
		return err
	}
	return devstack.Sleep(ctx, time.Until(end))
}

// killRelay kills walpost, and starts it again after a while.
func (d *demo) killRelay(ctx context.Context) error {
	const dead = 1500 * time.Millisecond
	if err := d.relay.kill(); err != nil {
		return err
	}
	d.kills++
	d.screen.say("  kill -9 %d: walpost is dead. The orders go on, and wait in the outbox.", d.relay.pid())
	if err := devstack.Sleep(ctx, dead); err != nil {
		return err
	}
	return d.startRelay(ctx)
}

// drain stops the service, waits until everything is there, and stops walpost.
func (d *demo) drain(ctx context.Context) error {
	service := d.service
	d.service = nil
	if err := service.end(ctx); err != nil {
		return err
	}
	d.screen.say("  The order service has stopped.")
	if err := d.await(ctx); err != nil {
		return err
	}
	monitor := d.monitor
	d.monitor = nil
	if err := monitor.end(ctx); err != nil {
		return err
	}
	from := time.Now()
	if err := d.relay.stop(); err != nil {
		return err
	}
	d.screen.say("  SIGTERM: walpost ended after %d ms with exit code 0: what it has read is confirmed.", time.Since(from).Milliseconds())
	return nil
}

// await returns when every committed event has reached the consumer and is confirmed to the slot. When nothing moves any
// more, it says so and returns too: the verdict will tell what is missing.
func (d *demo) await(ctx context.Context) error {
	const patience = 8 * time.Second
	ids := d.book.copy().committed
	last, moved := counts{}, time.Now()
	return devstack.Poll(ctx, sampleEvery, func() (bool, error) {
		now := d.monitor.now()
		if now.acknowledged == len(ids) && d.consumer.lacks(ids) == 0 {
			return true, nil
		}
		if now.acknowledged != last.acknowledged || now.records != last.records {
			last, moved = now, time.Now()
		}
		if time.Since(moved) < patience {
			return false, nil
		}
		d.screen.say("  Nothing has moved for %s.", patience)
		return true, nil
	})
}

// errCleanUp marks that something may have been left behind.
var errCleanUp = errors.New("clean up")

// close ends and removes everything.
func (d *demo) close(ctx context.Context) error {
	var errs []error
	if d.service != nil {
		_ = d.service.end(ctx) // its workers have ended, and the show has failed
	}
	if d.monitor != nil {
		<-d.monitor.done
	}
	if d.relay != nil {
		errs = append(errs, d.relay.kill())
	}
	if d.consumer != nil {
		d.consumer.close()
	}
	if d.stack != nil {
		errs = append(errs, d.stack.close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: %w", errCleanUp, err)
	}
	return nil
}
