package recover_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/audit"
	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/replay"
	"github.com/walpost/walpost/internal/republish"
)

// Limits of time that somebody has given the database end nothing of walpost: not a
// transaction that reads for longer, not a guard that is idle for longer.
func TestRow100_LimitsOfTime(t *testing.T) {
	t.Parallel()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: 18})
	const name = "limited"
	if err := server.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	f := recovertest.NewOn(t, &stack, devstacktest.DatabaseOn(t, server, name))
	for _, limit := range []string{
		"transaction_timeout", "idle_session_timeout", "idle_in_transaction_session_timeout", "statement_timeout", "lock_timeout",
	} {
		f.Exec(t, "ALTER DATABASE "+name+" SET "+limit+" = '1s'")
	}
	f.Start(t)
	f.Exec(t, recovertest.Fill("k", 1, 10))
	f.Confirmed(t)
	f.Until(t, "the guard to be idle for longer than the limit", func() bool {
		return devstacktest.Value[bool](t, f.DB.Conn, `SELECT EXISTS (SELECT FROM pg_stat_activity
			WHERE application_name LIKE 'walpost%' AND backend_type = 'client backend' AND clock_timestamp() - state_change > '2s')`)
	})
	f.Exec(t, recovertest.Fill("k", 11, 20))
	f.Confirmed(t)
	if err := f.End(t); err != nil {
		t.Fatal(err)
	}
	f.Released(t)

	rec, plan, err := f.Open(t, recover.Selection{All: true}, true)
	if err != nil {
		t.Fatal(err)
	}
	recovered, err := rec.Run(t.Context(), plan, func(recover.Stage, recover.Result) { outlast(t, f) })
	if err != nil || recovered.Acknowledged != 20 {
		t.Errorf("recover: %+v, %v", recovered, err)
	}
	rec.Close(t.Context())

	again, planned := openReplay(t, f, stack.Topic(t, 1))
	result, err := again.Run(t.Context(), planned, func(republish.Result) { outlast(t, f) })
	if err != nil || result.Acknowledged != 20 {
		t.Errorf("replay: %+v, %v", result, err)
	}
	again.Close(t.Context())

	auditOutlasts(t, f, devstacktest.Connect(t, server, name))
}

// auditOutlasts runs an audit that waits for a lock of the connection for longer than the
// limits.
func auditOutlasts(t *testing.T, f *recovertest.Fixture, conn *pgx.Conn) {
	t.Helper()
	holder := devstacktest.Database{Conn: conn} // activity is seen as of the beginning of a transaction
	holder.Exec(t, "SET idle_in_transaction_session_timeout = 0", "SET transaction_timeout = 0", "BEGIN", "LOCK TABLE outbox")
	audited := make(chan error, 1)
	go func() {
		_, err := audit.Run(context.WithoutCancel(t.Context()), audit.Options{Config: f.Config})
		audited <- err
	}()
	devstacktest.Await(t, "the audit to wait for longer than the limits", func() bool {
		select {
		case err := <-audited:
			t.Fatalf("the audit ended with %v", err)
		default:
		}
		return devstacktest.Value[bool](t, f.DB.Conn, `SELECT EXISTS (SELECT FROM pg_stat_activity
			WHERE application_name LIKE 'walpost%' AND wait_event_type = 'Lock' AND clock_timestamp() - xact_start > '2s')`)
	})
	holder.Exec(t, "COMMIT")
	if err := <-audited; err != nil {
		t.Errorf("audit: %v", err)
	}
}

// outlast waits until no transaction of walpost is young: each that is open has lasted
// for longer than the limits, or has been ended by them.
func outlast(t *testing.T, f *recovertest.Fixture) {
	t.Helper()
	devstacktest.Await(t, "transactions to last", func() bool {
		return devstacktest.Value[bool](t, f.DB.Conn, `SELECT coalesce(bool_and(clock_timestamp() - xact_start > '2s'), true)
			FROM pg_stat_activity WHERE application_name LIKE 'walpost%' AND backend_type = 'client backend' AND xact_start IS NOT NULL`)
	})
}

// A recovery that publishes for longer than idle_replication_slot_timeout opens its new
// slot now and then: nobody reads from it yet, and it is there at the end.
func TestRow105_NewSlotKeptWhilePublishing(t *testing.T) {
	t.Parallel()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{
		Major: 18, Settings: map[string]string{"idle_replication_slot_timeout": "6s"},
	})
	const name = "idle"
	if err := server.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	f := recovertest.NewOn(t, &stack, devstacktest.DatabaseOn(t, server, name))
	f.Exec(t, recovertest.Fill("k", 1, 10))
	r, plan, err := f.Open(t, recover.Selection{All: true}, false)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	result, err := r.Run(t.Context(), plan, func(s recover.Stage, _ recover.Result) {
		if s != recover.Publishing {
			return
		}
		devstacktest.Await(t, "more visits than the limit has room for", func() bool {
			f.Exec(t, "CHECKPOINT") // which drops what is idle
			if status := devstacktest.Value[string](t, f.DB.Conn, "SELECT wal_status FROM pg_replication_slots"); status == "lost" {
				t.Fatal("Postgres has dropped the new slot")
			}
			seen[devstacktest.Value[string](t, f.DB.Conn, "SELECT coalesce(inactive_since::text, '') FROM pg_replication_slots")] = true
			return len(seen) > 8
		})
	})
	if err != nil || result.Acknowledged != 10 {
		t.Errorf("%+v, %v", result, err)
	}
	f.Deliver(t)
	f.Exact(t)
}

// openReplay opens a replay of all rows to a topic and makes its plan.
func openReplay(t *testing.T, f *recovertest.Fixture, to string) (*replay.Replay, *replay.Plan) {
	t.Helper()
	r, err := replay.Open(t.Context(), replay.Options{
		Config: f.Config, Log: recovertest.Logger(t), Rows: replay.Range{All: true}, ToTopic: to,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(context.WithoutCancel(t.Context())) })
	plan, err := r.Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r, plan
}
