package snippets_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/retention"
)

const rightsPage = "docs/rights.md"

// grant matches a statement that gives rights: they, on what, and to whom.
var grant = regexp.MustCompile(`^GRANT (.+) ON (.+) TO (\w+)$`)

// right is one that a role needs. An error for its lack matches what.
type right struct{ statement, what string }

// rightsOf returns the rights of a block of the page one by one, for another role.
func rightsOf(t *testing.T, block, role string) []right {
	t.Helper()
	var all []right
	for statement := range strings.SplitSeq(strings.TrimSuffix(snippet(t, rightsPage, block), ";\n"), ";\n") {
		m := grant.FindStringSubmatch(statement)
		if m == nil {
			statement = statement[:strings.LastIndex(statement, " ")+1] + role
			all = append(all, right{statement, "(must be owner of|permission denied for|) table " + strings.Fields(statement)[2]})
			continue
		}
		object := strings.ToLower(m[2])
		for privilege := range strings.SplitSeq(m[1], ", ") {
			what := fmt.Sprintf("permission denied for (table )?%s|which takes %[2]s|%[2]s on the %s",
				object, privilege, strings.Fields(object)[0])
			all = append(all, right{fmt.Sprintf("GRANT %s ON %s TO %s", privilege, m[2], role), what})
		}
	}
	return all
}

// actor does something that needs the rights of blocks of the page.
type actor struct {
	blocks []string
	// given are rights that a block before has shown to be needed.
	given []string
	// attributes are those of the role.
	attributes string
	// always are for what the handler does, and the like.
	always string
	do     func(t *testing.T, db *sql.DB, role string) error
}

// tried runs an actor with all rights of its blocks, and then without each of them, every time as another role.
func (a actor) tried(t *testing.T, db devstacktest.Database) {
	t.Helper()
	for out := -1; ; out++ {
		role := stack.Name(t)
		db.Exec(t, "CREATE ROLE "+role+" LOGIN "+a.attributes)
		var all []right
		for _, block := range a.blocks {
			for _, r := range rightsOf(t, block, role) {
				r.statement = strings.ReplaceAll(r.statement, "DATABASE shop", "DATABASE "+db.Name)
				all = append(all, r)
			}
		}
		if out == len(all) {
			return
		}
		for _, block := range a.given {
			for _, r := range rightsOf(t, block, role) {
				db.Exec(t, r.statement)
			}
		}
		if a.always != "" {
			db.Exec(t, a.always+" TO "+role)
		}
		for i, r := range all {
			if i != out {
				db.Exec(t, r.statement)
			}
		}
		err := a.do(t, devstacktest.OpenSQL(t, as(t, db.URL, role)), role)
		switch {
		case out < 0 && err != nil:
			t.Errorf("with all rights of %s: %v", a.blocks, err)
		case out >= 0 && (err == nil || !regexp.MustCompile(all[out].what).MatchString(err.Error())):
			t.Errorf("without %s: %v, want %q", all[out].statement, err, all[out].what)
		}
		db.Exec(t, "REASSIGN OWNED BY "+role+" TO postgres", "DROP OWNED BY "+role)
	}
}

// as returns the URL for another role.
func as(t *testing.T, raw, role string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(role)
	return u.String()
}

// outboxOf creates the outbox of a configuration.
func outboxOf(t *testing.T, config outbox.Config) devstacktest.Database {
	t.Helper()
	db := stack.Database(t)
	ddl, err := outbox.DDL(config)
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, ddl)
	return db
}

// placed writes an event in a transaction of its own.
func placed(t *testing.T, db *sql.DB, config outbox.Config) error {
	t.Helper()
	events, err := outbox.New(config)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	err = events.Write(t.Context(), tx, outbox.Event{AggregateType: "order", AggregateID: "42", Type: "OrderPlaced", Payload: 1})
	if err != nil {
		return err
	}
	return tx.Commit()
}

func TestRightsOfAWriter(t *testing.T) {
	t.Parallel()
	db := outboxOf(t, outbox.Config{})
	actor{blocks: []string{"writer.sql"}, do: func(t *testing.T, db *sql.DB, _ string) error {
		return placed(t, db, outbox.Config{})
	}}.tried(t, db)
	actor{blocks: []string{"writer.sql", "delete_after_write.sql"}, do: func(t *testing.T, db *sql.DB, _ string) error {
		return placed(t, db, outbox.Config{DeleteAfterWrite: true})
	}}.tried(t, db)
}

func TestRightsOfRetention(t *testing.T) {
	t.Parallel()
	db := outboxOf(t, outbox.Config{Partitioned: true})
	db.Exec(t, "SELECT pg_create_logical_replication_slot('"+db.Name+"', 'pgoutput')")
	events := outbox.Config{Partitioned: true}
	pruner, err := retention.New(retention.Config{Outbox: events, Slot: db.Name, Keep: time.Hour, Wait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	actor{blocks: []string{"prune.sql"}, do: func(t *testing.T, pool *sql.DB, _ string) error {
		db.Exec(t, "INSERT INTO outbox VALUES (gen_random_uuid(), 'order', '42', 'OrderPlaced', '1', now() - interval '2 hours')")
		return whileConfirming(t, db, func() error {
			_, err := pruner.Prune(t.Context(), retention.SQL(pool))
			return err
		})
	}}.tried(t, db)
	day := time.Now()
	actor{blocks: []string{"partitions.sql"}, do: func(t *testing.T, pool *sql.DB, _ string) error {
		day = day.AddDate(0, 0, 1)
		return pruner.CreatePartitions(t.Context(), retention.SQL(pool), day, 1)
	}}.tried(t, db)
}

// whileConfirming returns what do returns, and lets the slot confirm everything meanwhile, as a relay does: other tests
// write WAL all the time, so what was confirmed before do is not enough.
func whileConfirming(t *testing.T, db devstacktest.Database, do func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- do() }()
	var err error
	devstacktest.Await(t, "what needs the slot's confirmation", func() bool {
		db.Exec(t, "SELECT pg_replication_slot_advance('"+db.Name+"', pg_current_wal_lsn())")
		select {
		case err = <-done:
			return true
		default:
			return false
		}
	})
	return err
}

// DropPartitions needs the owner of the partition, and not that of the table.
func TestRightsOfDropPartitions(t *testing.T) {
	t.Parallel()
	config := outbox.Config{Partitioned: true}
	db := outboxOf(t, config)
	db.Exec(t, "SELECT pg_create_logical_replication_slot('"+db.Name+"', 'pgoutput')")
	pruner, err := retention.New(retention.Config{Outbox: config, Slot: db.Name, Keep: time.Hour, Wait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().AddDate(0, 0, -3)
	if err := pruner.CreatePartitions(t.Context(), retention.SQL(devstacktest.OpenSQL(t, db.URL)), old, 1); err != nil {
		t.Fatal(err)
	}
	partition := "outbox" + old.UTC().Format("_p20060102")
	role := stack.Name(t)
	db.Exec(t, "CREATE ROLE "+role+" LOGIN", "ALTER TABLE outbox OWNER TO "+role)
	pool := devstacktest.OpenSQL(t, as(t, db.URL, role))
	_, err = pruner.DropPartitions(t.Context(), retention.SQL(pool))
	if err == nil || !strings.Contains(err.Error(), "denied for table "+partition) {
		t.Errorf("as owner of the table alone: %v", err)
	}
	db.Exec(t, "ALTER TABLE outbox OWNER TO postgres", "ALTER TABLE "+partition+" OWNER TO "+role)
	err = whileConfirming(t, db, func() error {
		dropped, err := pruner.DropPartitions(t.Context(), retention.SQL(pool))
		if err == nil && len(dropped) != 1 {
			err = fmt.Errorf("dropped %q", dropped)
		}
		return err
	})
	if err != nil {
		t.Errorf("as owner of the partition: %v", err)
	}
	db.Exec(t, "DROP OWNED BY "+role)
}

func TestRightsOfAConsumer(t *testing.T) {
	t.Parallel()
	db, broker := consumerDatabase(t), stack.Kafka(t)
	work := func(retries bool) func(*testing.T, *sql.DB, string) error {
		return func(t *testing.T, pool *sql.DB, role string) error {
			topic := strings.ReplaceAll(role, "_", "-")
			createTopics(t, broker, topic, topic+".DLT", "payments."+topic+".retry")
			config := consumerConfig(broker, topic, role)
			if retries {
				config.RetryTopic = "payments.{topic}.retry"
			}
			return consumed(t, broker, pool, config)
		}
	}
	actor{blocks: []string{"consumer.sql"}, do: work(false)}.tried(t, db)
	actor{blocks: []string{"parked.sql"}, given: []string{"consumer.sql"}, do: work(true)}.tried(t, db)
	actor{blocks: []string{"inbox_prune.sql"}, do: func(t *testing.T, pool *sql.DB, _ string) error {
		_, err := inbox.Prune(t.Context(), inbox.SQL(pool), inbox.PruneConfig{Table: "inbox", Keep: time.Hour})
		return err
	}}.tried(t, db)
}

func TestRightsOfAProjection(t *testing.T) {
	t.Parallel()
	db, broker := projectionDatabase(t), stack.Kafka(t)
	topic := stack.Topic(t, 1)
	publish(t, broker, topic, "Fine")
	const handler = "GRANT SELECT, INSERT, UPDATE ON order_list"
	actor{blocks: []string{"projection.sql"}, always: handler, do: func(t *testing.T, pool *sql.DB, role string) error {
		return projected(t, pool, projectionConfig(broker, topic, role))
	}}.tried(t, db)
	actor{blocks: []string{"rebuild.sql"}, given: []string{"projection.sql"}, do: func(t *testing.T, pool *sql.DB, role string) error {
		db.Exec(t, "DROP TABLE IF EXISTS order_list__rebuild")
		return rebuilt(t, pool, projectionConfig(broker, topic, role))
	}}.tried(t, db)
}

// Every block of the page is tried.
func TestRightsAreTried(t *testing.T) {
	t.Parallel()
	tried := []string{
		"writer.sql", "delete_after_write.sql", "prune.sql", "partitions.sql", "consumer.sql", "parked.sql", "inbox_prune.sql",
		"consumer.acls", "redrive.acls", "remove.acls", "projection.sql", "projection.acls", "rebuild.sql",
		"relay_init.sql", "relay_read.sql", "relay_prune.sql", "relay.acls", "relay_once.acls", "relay_once_init.acls",
		"relay_audit.acls",
	}
	var blocks []string
	for _, m := range named.FindAllStringSubmatch(read(t, rightsPage), -1) {
		blocks = append(blocks, m[1])
	}
	if !slices.Equal(blocks, tried) {
		t.Errorf("%s has the blocks %q, and %q are tried", rightsPage, blocks, tried)
	}
}
