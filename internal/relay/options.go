package relay

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/relay/resume"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/status"
)

// Options say what a relay relays, and how.
type Options struct {
	Name    string
	Target  postgres.Target
	Objects catalog.ObjectNames   // without a table events are messages
	Columns catalog.OutboxColumns // of the table
	Prefix  string                // of the messages

	// Expectations are the requirements of a start. The router learns what the table is now.
	Expectations func(context.Context, *pgx.Conn, *catalog.Table) (preflight.PostgresExpectations, error)
	Failover     bool // of a slot that the relay makes

	Router      *router.Router
	DeadLetters *record.DeadLetters
	OnReject    record.RejectPolicy
	RejectHint  string // what another delivery.on_reject would change

	// Producer returns the options of the producer. The relay adds its callbacks.
	Producer        func(producer.Observer, *zap.Logger) (producer.Options, error)
	MaxMessageBytes int    // of a record
	Cleartext       string // the mechanism that sends its secret in clear text; "": none

	// Describe describes topics of Kafka; nil: they are not compared with what is published.
	Describe func(ctx context.Context, names []string) ([]topics.Topic, error)

	ExactlyOnce *resume.Options // nil: events may repeat

	Prune           *Prune // nil: nothing is deleted
	HibernateAfter  time.Duration
	ShutdownTimeout time.Duration
	Hints           status.Hints
}

// messages reports whether events are messages: there is no table.
func (o *Options) messages() bool { return o.Objects.Table.IsZero() }

// timing is what tests change before Run.
type timing struct {
	guardIdle      time.Duration // how often the guard checks while nothing arrives
	patience       time.Duration // how long an event may wait before the condition no_progress or lagging
	stuckFor       time.Duration // how long streams must end at the same point before the relay halts
	inspectTimeout time.Duration // how long each inspection of the database at the start may take
}
