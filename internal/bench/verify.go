package main

import (
	"context"
	"errors"
	"fmt"
)

// checkIDs reads a topic and says in words what is wrong with it; "" when it holds each event of the backlog once.
func (b *bench) checkIDs(ctx context.Context, l backlog, topic string) (string, error) {
	missing := make(map[string]struct{}, l.rows)
	for n := l.first; n < l.first+l.rows; n++ {
		missing[eventID(n)] = struct{}{}
	}
	c, err := b.newConsumer(topic)
	if err != nil {
		return "", err
	}
	defer c.close()
	read, unknown, example := int64(0), 0, ""
	for read < l.rows {
		err := c.pollWithin(ctx, stalled, func(a arrival) {
			read++
			if _, ok := missing[a.id]; !ok {
				unknown, example = unknown+1, a.id
			}
			delete(missing, a.id)
		})
		if errors.Is(err, errNothing) {
			return fmt.Sprintf("a consumer got %d of %d records", read, l.rows), nil
		}
		if err != nil {
			return "", err
		}
	}
	if unknown > 0 || len(missing) > 0 {
		return fmt.Sprintf("%d events missing in Kafka, %d records repeated or unknown, such as id %q", len(missing), unknown, example), nil
	}
	return "", nil
}
