package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/walpost/walpost/pkg/inbox/internal/pgname"
)

// PruneConfig says which rows of the inbox table Prune deletes. Keep is required.
type PruneConfig struct {
	// Table is Config.Table. Defaults to inbox.
	Table string
	// Group is the consumer group whose rows are deleted. Defaults to every group.
	Group string
	// Keep is the age up to which rows stay. Required. A record that is delivered again
	// after its row was deleted is processed again. So keep rows for longer than the topics
	// keep records, dead letter topics included.
	Keep time.Duration
	// Batch is the maximum number of rows that one transaction deletes. Defaults to 5,000.
	Batch int
}

// Prune deletes old rows of the inbox table, in batches of one transaction each. It returns
// how many rows it has deleted, also with an error. Call it regularly, such as once a day;
// concurrent calls do no harm.
func Prune[Tx any](ctx context.Context, db DB[Tx], config PruneConfig) (deleted int64, err error) {
	config.Table = cmp.Or(config.Table, "inbox")
	config.Batch = cmp.Or(config.Batch, 5000)
	if err := config.check(); err != nil {
		return 0, err
	}
	// A place (ctid) is one of each partition: what is deleted must be old itself.
	const old = "processed_at < now() - make_interval(secs => $1::text::double precision) AND ($2::text = '' OR consumer_group = $2::text)"
	query := "DELETE FROM " + config.Table + " WHERE " + old + " AND ctid = ANY (ARRAY(SELECT ctid FROM " + config.Table +
		" WHERE " + old + " ORDER BY processed_at LIMIT $3::text::bigint FOR UPDATE SKIP LOCKED))"
	for {
		var n int64
		err := db.Transact(ctx, func(tx Tx) (err error) {
			n, err = db.Exec(ctx, tx, query, fmt.Sprint(config.Keep.Seconds()), config.Group, fmt.Sprint(config.Batch))
			return err
		})
		if err != nil {
			return deleted, fmt.Errorf("inbox: prune %s: %w", config.Table, err)
		}
		if deleted += n; n < int64(config.Batch) {
			return deleted, nil
		}
	}
}

// check returns all faults at once.
func (r *PruneConfig) check() error {
	var found faults
	found.refuse(!pgname.IsTable(r.Table), "PruneConfig.Table", "%q: want table or schema.table in SQL syntax", r.Table)
	found.refuse(r.Keep <= 0, "PruneConfig.Keep", "%v: want more than 0", r.Keep)
	found.refuse(r.Batch < 0, "PruneConfig.Batch", "%d: want at least 1", r.Batch)
	return errors.Join(found...)
}
