package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// The second act: examples/orders, two services and the relay between them.
const (
	shopOrders  = 2000
	poisonEvery = 500 // orders
	shop        = "orders"
	payments    = "payments"
	purchases   = "shop.purchase" // the topic in the example's file
)

// second is what is there during the second act.
type second struct {
	*demo

	relay    *relay
	orders   *program
	payments *program
}

// services runs the second act: the events go through the payment service into its tables, while it is killed.
func (d *demo) services(ctx context.Context) (err error) {
	if d.binaries == "" {
		return nil
	}
	a := &second{demo: d}
	defer func() { err = errors.Join(err, a.end()) }()
	for _, scene := range []func(context.Context) error{a.prepare, a.play, a.verdict} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return nil
}

// prepare creates the databases, the topics, and starts the relay and the payment
// service.
func (a *second) prepare(ctx context.Context) (err error) {
	s := a.screen
	s.headline("Second act: examples/orders. An order service writes events, a payment service consumes them once.")
	if err := a.createDatabases(ctx); err != nil {
		return err
	}
	config, err := a.configure(ctx)
	if err != nil {
		return err
	}
	for _, command := range [][]string{{"init", "-c", config.path}, {"topics", "apply", "--yes", "-c", config.path}} {
		p, err := a.start(ctx, "walpost "+command[0], a.walpost, command...)
		if err != nil {
			return err
		}
		if err := p.finish(ctx); err != nil {
			return err
		}
	}
	if a.relay, err = startRelay(ctx, a.walpost, config, a.log(), a.fail); err != nil {
		return err
	}
	if err := a.relay.ready(ctx); err != nil {
		return err
	}
	a.payments, err = a.run(ctx, "payments")
	return err
}

// createDatabases makes the databases of both services, and lets these make their tables.
func (a *second) createDatabases(ctx context.Context) error {
	for _, name := range []string{shop, payments} {
		if err := a.stack.postgres.CreateDatabase(ctx, name); err != nil {
			return withLog(err, "Postgres", a.stack.postgres.LogTail())
		}
	}
	for _, name := range []string{"orders", "payments"} {
		p, err := a.run(ctx, name, "-init")
		if err != nil {
			return err
		}
		if err := p.finish(ctx); err != nil {
			return err
		}
	}
	return nil
}

// configure writes the example's own file, with the addresses of this show.
func (a *second) configure(ctx context.Context) (configuration, error) {
	c := configuration{path: filepath.Join(a.dir, "shop.yaml")}
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		return c, err
	}
	if c.admin, err = freeAddress(ctx); err != nil {
		return c, err
	}
	c.text = os.Expand(string(text), func(name string) string {
		return map[string]string{"SHOP_URL": a.stack.postgres.URL(shop), "KAFKA_BROKERS": a.stack.broker.address()}[name]
	}) + fmt.Sprintf("admin: {listen: %q}\n", c.admin)
	return c, os.WriteFile(c.path, []byte(c.text), 0o600) //nolint:gosec // a folder of the show
}

// exampleFile is the file of the example; the show is run from the project's folder.
const exampleFile = "examples/orders/walpost/shop.yaml"

// run starts one of the example's services.
func (a *second) run(ctx context.Context, service string, args ...string) (*program, error) {
	return a.start(ctx, service, filepath.Join(a.binaries, service), args...)
}

func (a *second) start(ctx context.Context, name, binary string, args ...string) (*program, error) {
	env := []string{
		"SHOP_URL=" + a.stack.postgres.URL(shop), "PAYMENTS_URL=" + a.stack.postgres.URL(payments),
		"KAFKA_BROKERS=" + a.stack.broker.address(),
	}
	fail := a.fail
	if len(args) > 0 { // it ends by itself, and finish judges how
		fail = func(error) {}
	}
	return startProgram(ctx, name, filepath.Join(a.dir, filepath.Base(binary)+".log"), fail, env, binary, args...)
}

// play lets the services work, and kills the payment service in the middle.
func (a *second) play(ctx context.Context) (err error) {
	s := a.screen
	a.orders, err = a.run(ctx, "orders", "-n", fmt.Sprint(shopOrders), "-pause", "2ms", "-poison", fmt.Sprint(poisonEvery))
	if err != nil {
		return err
	}
	from := time.Now()
	if err := a.paid(ctx, shopOrders/4); err != nil {
		return err
	}
	if err := a.payments.kill(); err != nil {
		return err
	}
	s.say("  kill -9 %d: the payment service is dead. Events wait in Kafka.", a.payments.pid())
	if err := a.orders.finish(ctx); err != nil {
		return err
	}
	s.say("  The order service has placed %s orders in %s.", number(shopOrders), seconds(time.Since(from)))
	if a.payments, err = a.run(ctx, "payments"); err != nil {
		return err
	}
	s.say("  The payment service is process %d, and gets its partitions when Kafka has given up the dead one.", a.payments.pid())
	return a.settle(ctx)
}

// end stops what runs.
func (a *second) end() error {
	var errs []error
	for _, p := range []*program{a.payments, a.orders} {
		if p != nil {
			errs = append(errs, p.kill())
		}
	}
	if a.relay != nil {
		errs = append(errs, a.relay.kill())
	}
	return errors.Join(errs...)
}
