package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/walpost/walpost/dev/devstack"
)

// account is the truth of the shop and what the payment service has made of it.
type account struct {
	placed, cancelled, poison int
	want, have                map[int64]int64 // cents of each order that is paid
	payments                  int             // rows
	taken, booked             int64           // the sum of all payments, and of all accounts
	listed, unlisted          int             // orders in the read model, and those that differ there
	letters                   int64           // different events in the dead letter topic
}

// settle waits until the payment service has seen everything, or nothing moves any more.
func (a *second) settle(ctx context.Context) error {
	const patience = 30 * time.Second
	last, moved := -1, time.Now()
	return devstack.Poll(ctx, sampleEvery, func() (bool, error) {
		now, err := a.account(ctx)
		if err != nil {
			return false, err
		}
		seen := now.payments + int(now.letters)
		if seen == now.placed+now.cancelled && now.unlisted == 0 {
			return true, nil
		}
		if seen != last {
			last, moved = seen, time.Now()
		}
		if time.Since(moved) < patience {
			return false, nil
		}
		a.screen.say("  Nothing has moved for %s.", patience)
		return true, nil
	})
}

// paid waits for so many payments.
func (a *second) paid(ctx context.Context, minimum int) error {
	return devstack.Poll(ctx, sampleEvery, func() (bool, error) {
		now, err := a.account(ctx)
		return err == nil && now.payments >= minimum, err
	})
}

// account reads both databases and the dead letter topic's end.
func (a *second) account(ctx context.Context) (*account, error) {
	r := &account{want: map[int64]int64{}, have: map[int64]int64{}}
	err := a.rows(ctx, payments, "SELECT order_id, sum(cents)::bigint, count(*) FROM payments GROUP BY 1", func(id, cents, rows int64) {
		r.have[id] = cents
		r.payments += int(rows)
		r.taken += cents
	})
	err = errors.Join(err, a.rows(ctx, payments, "SELECT 0::bigint, coalesce(sum(cents), 0)::bigint, 0::bigint FROM accounts",
		func(_, cents, _ int64) { r.booked = cents }))
	err = errors.Join(err, a.rows(ctx, shop, "SELECT id, cents, (state = 'cancelled')::int::bigint FROM orders", r.place))
	if err == nil {
		err = a.readModel(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	r.letters, err = a.letters(ctx)
	return r, err
}

// place counts an order, and what is to be paid for it.
func (r *account) place(id, cents, cancelled int64) {
	r.placed++
	switch {
	case cents < 0:
		r.poison++
	case cancelled == 1:
		r.cancelled++
		r.want[id] = 0
	default:
		r.want[id] = cents
	}
}

// readModel compares the list of orders with the orders.
func (a *second) readModel(ctx context.Context, r *account) error {
	type order struct{ cents, cancelled int64 }
	listed := map[int64]order{}
	err := a.rows(ctx, payments, "SELECT id, cents, (state = 'cancelled')::int::bigint FROM order_list", func(id, cents, cancelled int64) {
		listed[id] = order{cents, cancelled}
	})
	r.listed = len(listed)
	return errors.Join(err, a.rows(ctx, shop, "SELECT id, cents, (state = 'cancelled')::int::bigint FROM orders",
		func(id, cents, cancelled int64) {
			if have, ok := listed[id]; !ok || have != (order{cents, cancelled}) {
				r.unlisted++
			}
		}))
}

// rows reads rows of three numbers.
func (a *second) rows(ctx context.Context, database, sql string, row func(a, b, c int64)) error {
	conn, err := a.stack.postgres.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var x, y, z int64
		if err := rows.Scan(&x, &y, &z); err != nil {
			return err
		}
		row(x, y, z)
	}
	return rows.Err()
}

// letters returns how many different events the dead letter topic has: one may be there
// twice, for the payment service was killed before it had committed that it is done with
// it.
func (a *second) letters(ctx context.Context) (int64, error) {
	const dead = purchases + ".DLT"
	n, err := endOf(a.stack.broker.address(), dead)
	if err != nil {
		return 0, err
	}
	client, err := openConsumer(a.stack.broker.address(), dead)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	ids := map[string]struct{}{}
	for n > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return 0, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			n--
			for _, h := range r.Headers {
				if h.Key == "id" {
					ids[string(h.Value)] = struct{}{}
				}
			}
		})
	}
	return int64(len(ids)), nil
}

// endOf returns how many records a topic has had.
func endOf(address, topic string) (n int64, err error) {
	client, err := sarama.NewClient([]string{address}, kafkaConfig())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	all, err := client.Partitions(topic)
	for _, p := range all {
		end, e := client.GetOffset(topic, p, sarama.OffsetNewest)
		n, err = n+end, errors.Join(err, e)
	}
	return n, err
}

// verdict compares the payment service's tables with the shop's, and tells.
func (a *second) verdict(ctx context.Context) error {
	r, err := a.account(ctx)
	if err != nil {
		return err
	}
	wrong := r.differences()
	s := a.screen
	s.headline("Verdict: the payment service's tables compared with the shop's")
	v := &verdict{}
	v.line(s, wrong, "wrongly paid", fmt.Sprintf("of %s orders, %s of them cancelled", number(len(r.want)), number(r.cancelled)))
	v.line(s, r.payments-(len(r.want)+r.cancelled), "payments too many", fmt.Sprintf("of %s, and refunds", number(r.payments)))
	v.line(s, int(r.taken-r.booked), "cents of difference", "between payments and accounts")
	v.line(s, r.unlisted+max(0, r.listed-r.placed), "orders differ", fmt.Sprintf("between the read model and %s orders", number(r.placed)))
	v.line(s, r.poison-int(r.letters), "poison events", fmt.Sprintf("not in %s.DLT, of %d", purchases, r.poison))
	s.say("")
	if wrong != 0 || r.payments != len(r.want)+r.cancelled || r.taken != r.booked || r.unlisted != 0 || r.listed != r.placed ||
		r.poison != int(r.letters) {
		s.say("%s", s.red("The services disagree."))
		return errBroken
	}
	s.say("%s", s.green("Each event had its effect once."))
	return nil
}

// differences counts the orders whose payments are not what the shop says.
func (r *account) differences() (wrong int) {
	for id, cents := range r.want {
		if have, ok := r.have[id]; !ok || have != cents {
			wrong++
		}
	}
	for id := range r.have {
		if _, ok := r.want[id]; !ok {
			wrong++
		}
	}
	return wrong
}
