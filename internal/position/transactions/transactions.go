// Package transactions joins a producer's transactions with the positions that are written
// in them.
//
// It knows positions and the producer. It must not know slots, the relay, nor when a
// position is written.
package transactions

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/position"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/producer/transaction"
	"github.com/walpost/walpost/internal/record"
)

// Options says where positions are written, and whose they are.
type Options struct {
	Kafka     kafka.Options
	Positions position.Log
	Timeout   time.Duration            // of a transaction
	Of        func() position.Position // all of a position but Event and Complete
	Waiting   func(error)              // see transaction.Options
	Log       *zap.Logger
}

// New returns the options by which a producer writes positions.
func New(o Options) *producer.Transactions {
	return &producer.Transactions{
		Writer: &transaction.Writer{
			Client: transaction.New(transaction.Options{
				Kafka: o.Kafka, ID: o.Positions.ID, Timeout: o.Timeout, Waiting: o.Waiting,
			}),
			Timeout: o.Timeout, Log: o.Log,
			Newest: func(ctx context.Context) ([]byte, error) { return o.Positions.Newest(ctx, o.Kafka) },
		},
		Position: func(at record.Position, complete pgoutput.LSN) *record.Record {
			p := o.Of()
			p.Event, p.Complete = at, complete
			return o.Positions.Record(p, time.Now().UnixMilli())
		},
	}
}
