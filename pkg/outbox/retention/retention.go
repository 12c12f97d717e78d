// Package retention keeps an outbox table small: it deletes rows, or drops partitions,
// that the relay's replication slot has confirmed, which the relay does only for what
// Kafka has acknowledged. It is for a service, or a job of the table's owner, where the
// relay does not prune itself (`outbox.prune` of its file).
//
//	pruner, err := retention.New(retention.Config{Slot: "walpost_orders"})
//	...
//	deleted, err := pruner.Prune(ctx, retention.Pgx(pool)) // or retention.SQL(db)
//
// The package knows SQL. It must not know drivers, Kafka's protocol or walpost's own
// packages, but for package outbox.
package retention

import (
	"errors"
	"fmt"
	"time"

	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/internal/pgname"
)

// What keeps Prune and DropPartitions from removing anything.
var (
	// ErrNoSlot says that the database has no such logical replication slot.
	ErrNoSlot = errors.New("no such logical replication slot in this database")
	// ErrNotConfirmed says that the slot had not confirmed in time what was to be
	// removed. Nothing is wrong if the relay is merely behind: call again.
	ErrNotConfirmed = errors.New("not confirmed yet")
)

// Config says what may be removed from which table. Slot is required.
type Config struct {
	// Outbox describes the table, as it is given to outbox.New.
	Outbox outbox.Config

	// Slot is the relay's replication slot, `postgres.slot`: nothing is removed that
	// it has not confirmed. Required.
	//
	// Nothing but the slot says what was published. Rows from before the slot was created
	// count as confirmed, although nobody published them. So after a slot was lost and
	// created again, publish the rows in between again before you prune, or set Keep long
	// enough to notice.
	Slot string

	// Keep is the age below which rows stay, by Columns.CreatedAt. Defaults to 0: rows are
	// deleted as soon as they are confirmed.
	Keep time.Duration

	// Wait is how long to wait for the slot to confirm the rows that are in the table:
	// more than the relay is usually behind. Defaults to 10 s; a negative duration reads
	// the slot once.
	Wait time.Duration

	// Batch is the maximum number of rows that Prune deletes in one transaction. Defaults to
	// 5,000.
	Batch int
}

const (
	defaultWait  = 10 * time.Second
	defaultBatch = 5000
)

// Pruner removes from one table. It is safe for concurrent use.
type Pruner struct {
	config    Config
	table     pgname.Table
	id        string // quoted column
	createdAt string // quoted column; "" without one
}

// New checks a configuration and makes a Pruner of it. It touches no database. The
// error is an [*outbox.ConfigError].
func New(config Config) (*Pruner, error) {
	writer, err := outbox.New(config.Outbox)
	if err != nil {
		return nil, err
	}
	config.Outbox = writer.Config()
	table, err := pgname.ParseTable(config.Outbox.Table)
	if err != nil {
		return nil, bad("Outbox.Table", "%q: %v", config.Outbox.Table, err)
	}
	p := &Pruner{config: config, table: table, id: pgname.Quote(config.Outbox.Columns.ID)}
	if created := config.Outbox.Columns.CreatedAt; created != "" {
		p.createdAt = pgname.Quote(created)
	}
	switch {
	case config.Slot == "":
		return nil, bad("Slot", "want the relay's postgres.slot")
	case config.Keep < 0:
		return nil, bad("Keep", "%v: want no negative duration", config.Keep)
	case config.Keep > 0 && p.createdAt == "":
		return nil, bad("Keep", "wants Outbox.Columns.CreatedAt")
	case config.Batch < 0:
		return nil, bad("Batch", "%d: want a number of rows, or 0 for %d", config.Batch, defaultBatch)
	case config.Batch == 0:
		p.config.Batch = defaultBatch
	}
	if config.Wait == 0 {
		p.config.Wait = defaultWait
	}
	return p, nil
}

func bad(field, format string, args ...any) error {
	return &outbox.ConfigError{Field: field, Reason: fmt.Sprintf(format, args...)}
}
