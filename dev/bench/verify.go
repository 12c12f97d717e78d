package main

import (
	"context"
	"slices"

	"github.com/walpost/walpost/dev/oracle"
)

// compare reads what is in Kafka and says in words what is wrong with it; "" when it holds each event of the backlog once
// and those of each key in order.
func (b *bench) compare(ctx context.Context, l backlog, relay candidate, to route) (wrong string, err error) {
	read := oracle.Consumed
	if relay.transactional {
		read = oracle.ConsumedCommitted
	}
	records, err := read(ctx, b.client, to.topics...)
	if err != nil {
		return "", err
	}
	records = slices.DeleteFunc(records, func(e oracle.Event) bool { return e.ID == "" }) // those of openRoute; others are lost ones
	if r := oracle.Compare(l.committed, records); !r.Kept() || r.Repeats > 0 {
		return r.String(), nil
	}
	return "", nil
}
