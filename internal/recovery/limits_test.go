package recovery_test

import (
	"context"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/recovery"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// Limits of time that somebody has given the database end nothing of walpost: not a
// transaction that reads for longer, not a guard that is idle for longer.
func TestRow100_LimitsOfTime(t *testing.T) {
	t.Parallel()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: 18})
	db := devstacktest.Database{Name: "limited", Server: server, URL: server.URL("limited")}
	if err := server.CreateDatabase(t.Context(), db.Name); err != nil {
		t.Fatal(err)
	}
	db.Conn = devstacktest.Connect(t, server, db.Name)
	f := newFixtureOn(t, db)
	for _, limit := range []string{
		"transaction_timeout", "idle_session_timeout", "idle_in_transaction_session_timeout", "statement_timeout", "lock_timeout",
	} {
		f.db.Exec(t, "ALTER DATABASE limited SET "+limit+" = '1s'")
	}
	r := relaytest.Start(t, f.cfg)
	f.db.Exec(t, fill("k", 1, 10))
	f.confirmed(t)
	r.Until(t, "the guard to be idle for longer than the limit", func() bool {
		return devstacktest.Value[bool](t, f.db.Conn, `SELECT EXISTS (SELECT FROM pg_stat_activity
			WHERE application_name LIKE 'walpost%' AND backend_type = 'client backend' AND clock_timestamp() - state_change > '2s')`)
	})
	f.db.Exec(t, fill("k", 11, 20))
	f.confirmed(t)
	if err := r.End(t); err != nil {
		t.Fatal(err)
	}
	f.released(t)

	rec, plan, err := f.open(t, recovery.Selection{All: true}, true)
	if err != nil {
		t.Fatal(err)
	}
	result, err := rec.Run(t.Context(), plan, func(recovery.Stage, recovery.Result) { f.outlast(t) })
	if err != nil || result.Acknowledged != 20 {
		t.Errorf("recover: %+v, %v", result, err)
	}
	rec.Close(t.Context())

	again, planned, err := f.replay(t, recovery.ReplayOptions{Rows: recovery.Range{All: true}, ToTopic: stack.Topic(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	result, err = again.Run(t.Context(), planned, func(recovery.Result) { f.outlast(t) })
	if err != nil || result.Acknowledged != 20 {
		t.Errorf("replay: %+v, %v", result, err)
	}
	again.Close(t.Context())

	holder := devstacktest.Database{Conn: devstacktest.Connect(t, server, db.Name)} // activity is seen as of the beginning of a transaction
	holder.Exec(t, "SET idle_in_transaction_session_timeout = 0", "SET transaction_timeout = 0", "BEGIN", "LOCK TABLE outbox")
	audited := make(chan error, 1)
	go func() {
		_, err := recovery.Audit(context.WithoutCancel(t.Context()), recovery.AuditOptions{Config: f.cfg})
		audited <- err
	}()
	devstacktest.Await(t, "the audit to wait for longer than the limits", func() bool {
		select {
		case err := <-audited:
			t.Fatalf("the audit ended with %v", err)
		default:
		}
		return devstacktest.Value[bool](t, f.db.Conn, `SELECT EXISTS (SELECT FROM pg_stat_activity
			WHERE application_name LIKE 'walpost%' AND wait_event_type = 'Lock' AND clock_timestamp() - xact_start > '2s')`)
	})
	holder.Exec(t, "COMMIT")
	if err := <-audited; err != nil {
		t.Errorf("audit: %v", err)
	}
}

// outlast waits until no transaction of walpost is young: each that is open has lasted
// for longer than the limits, or has been ended by them.
func (f *fixture) outlast(t *testing.T) {
	t.Helper()
	devstacktest.Await(t, "transactions to last", func() bool {
		return devstacktest.Value[bool](t, f.db.Conn, `SELECT coalesce(bool_and(clock_timestamp() - xact_start > '2s'), true) FROM pg_stat_activity
			WHERE application_name LIKE 'walpost%' AND backend_type = 'client backend' AND xact_start IS NOT NULL`)
	})
}

// A recovery that publishes for longer than idle_replication_slot_timeout opens its new
// slot now and then: nobody reads from it yet, and it is there at the end.
func TestRow105_NewSlotKeptWhilePublishing(t *testing.T) {
	t.Parallel()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: 18, Settings: map[string]string{"idle_replication_slot_timeout": "6s"}})
	db := devstacktest.Database{Name: "idle", Server: server, URL: server.URL("idle")}
	if err := server.CreateDatabase(t.Context(), db.Name); err != nil {
		t.Fatal(err)
	}
	db.Conn = devstacktest.Connect(t, server, db.Name)
	f := newFixtureOn(t, db)
	f.db.Exec(t, fill("k", 1, 10))
	r, plan, err := f.open(t, recovery.Selection{All: true}, false)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	result, err := r.Run(t.Context(), plan, func(s recovery.Stage, _ recovery.Result) {
		if s != recovery.Publishing {
			return
		}
		devstacktest.Await(t, "more visits than the limit has room for", func() bool {
			f.db.Exec(t, "CHECKPOINT") // which drops what is idle
			if status := devstacktest.Value[string](t, f.db.Conn, "SELECT wal_status FROM pg_replication_slots"); status == "lost" {
				t.Fatal("Postgres has dropped the new slot")
			}
			seen[devstacktest.Value[string](t, f.db.Conn, "SELECT coalesce(inactive_since::text, '') FROM pg_replication_slots")] = true
			return len(seen) > 8
		})
	})
	if err != nil || result.Acknowledged != 10 {
		t.Errorf("%+v, %v", result, err)
	}
	f.relay(t)
	f.exact(t)
}
