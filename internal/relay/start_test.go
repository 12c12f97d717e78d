package relay_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// firstStart is a first start beside a transaction that is writing.
type firstStart struct {
	*harness
	writer *pgx.Conn
}

// newFirstStart has a server of its own: every slot that is made on it waits.
func newFirstStart(t *testing.T, o relaytest.Options) *firstStart {
	t.Helper()
	postgres := devstacktest.StartPostgres(t, devstack.PostgresOptions{})
	o.DB = devstacktest.DatabaseOn(t, postgres, "postgres")
	f := &firstStart{harness: newHarness(t, o), writer: devstacktest.Connect(t, postgres, "postgres")}
	f.Exec(t, "CREATE TABLE other (x int)")
	f.write(t)
	return f
}

func (f *firstStart) write(t *testing.T) {
	t.Helper()
	for _, sql := range []string{"BEGIN", "INSERT INTO other VALUES (1)"} {
		f.exec(t, sql)
	}
}

func (f *firstStart) exec(t *testing.T, sql string) {
	t.Helper()
	if _, err := f.writer.Exec(context.WithoutCancel(t.Context()), sql); err != nil {
		t.Fatal(err)
	}
}

// names waits until the relay says that it waits for the writer.
func (f *firstStart) names(t *testing.T, words string) {
	t.Helper()
	f.Until(t, "the relay to say for whom it waits", func() bool {
		st := f.Status()
		return st.State == status.Verifying && strings.Contains(st.Reason, words) &&
			strings.Contains(st.Reason, "the transaction of process") &&
			strings.Contains(st.Hint, "pg_terminate_backend")
	})
}

// maker is the backend that makes the slot.
func (f *firstStart) maker(t *testing.T) int {
	t.Helper()
	return devstacktest.Value[int](t, f.DB.Conn, "SELECT coalesce(max(active_pid), 0) FROM pg_replication_slots WHERE slot_name = '"+
		f.Config.Postgres.Slot+"'")
}

// comment is what the publication is marked with.
func (f *firstStart) comment(t *testing.T) string {
	t.Helper()
	return devstacktest.Value[string](t, f.DB.Conn, "SELECT coalesce(max(obj_description(oid, 'pg_publication')), '') FROM pg_publication")
}

// streams ends the writer, and checks that events flow and that nothing of the start
// is left.
func (f *firstStart) streams(t *testing.T) {
	t.Helper()
	f.exec(t, "COMMIT")
	f.Until(t, "streaming", func() bool { return f.Status().State == status.Streaming })
	if text := f.comment(t); text != "" {
		t.Errorf("the publication still says %q", text)
	}
}

// Making the slot takes as long as a transaction is writing: longer than a look at
// the database may take, over the loss of the connection that makes it, and again
// when it is ended. What it waits for is said throughout.
func TestRow92_FirstStartBesideATransactionThatWrites(t *testing.T) {
	t.Parallel()
	f := newFirstStart(t, relaytest.Options{})
	const look = 5 * time.Second
	f.Prepare = func(r *relay.Relay) { r.SetStartLook(look) }
	f.Launch(t)
	f.names(t, "waits for")
	first := f.maker(t)
	f.Exec(t, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots")
	f.Until(t, "another connection to make the slot", func() bool { pid := f.maker(t); return pid != 0 && pid != first })
	f.names(t, "waits for")
	begun := time.Now()
	f.Until(t, "more time than a look may take", func() bool { return time.Since(begun) > 2*look })
	f.names(t, "waits for")
	f.streams(t)
	f.Exec(t, relaytest.Insert("k", 1))
	f.Confirmed(t)
	if report := f.Exact(t); report.Repeats != 0 {
		t.Errorf("%v", report)
	}
	f.Stop(t)
}

// A stop ends a start that waits at once and in order, and leaves no slot: the next
// start goes on by itself, since the publication says that there never was one. So it
// is for messages.
func TestRow93_FirstStartStopped(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]relaytest.Options{
		"table":    {},
		"messages": {Keys: keys{"outbox.source": "message", "outbox.writers": "any"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFirstStart(t, o)
			f.Launch(t)
			f.names(t, "waits for")
			if err := f.End(t); err != nil {
				t.Fatalf("stopped with %v", err)
			}
			if f.maker(t) != 0 || f.comment(t) == "" {
				t.Errorf("backend %d makes the slot, and the publication says %q", f.maker(t), f.comment(t))
			}
			f.Launch(t)
			f.names(t, "waits for")
			f.streams(t)
			f.Stop(t)
			f.Released(t)

			// A slot that is dropped later halts: that there was one is known.
			f.Exec(t, "SELECT pg_drop_replication_slot('"+f.Config.Postgres.Slot+"')")
			f.Launch(t)
			if err := f.Wait(t); status.ExitCode(err) != status.ExitHalted {
				t.Errorf("with the slot dropped it ended with %v", err)
			}
		})
	}
}

// The mark of a first start does not outlive the slot's making: one that was left by a
// process which died just then is taken away by the next start, before it streams, and
// a start that may not take it away is refused.
func TestRow93_MarkThatWasLeft(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{})
	h.Start(t)
	h.Stop(t)
	h.Released(t)
	publication := h.Config.Postgres.Publication
	mark := "COMMENT ON PUBLICATION " + publication + " IS 'walpost: slot " + h.Config.Postgres.Slot + " is not made yet'"
	h.Exec(t, mark)
	h.Start(t)
	if left := devstacktest.Value[int](t, h.DB.Conn,
		"SELECT count(*) FROM pg_description WHERE classoid = 'pg_publication'::regclass"); left != 0 {
		t.Error("the mark is still there")
	}
	h.Stop(t)
	h.Released(t)
	role := stack.Name(t)
	h.Exec(t, mark, "CREATE ROLE "+role+" LOGIN REPLICATION", "GRANT SELECT ON outbox TO "+role)
	t.Cleanup(func() {
		for _, sql := range []string{"DROP OWNED BY " + role, "DROP ROLE " + role} {
			if _, err := h.DB.Conn.Exec(context.WithoutCancel(t.Context()), sql); err != nil {
				t.Error(err)
			}
		}
	})
	h.Configure(t, keys{"postgres.url": h.DB.Server.URLFor(role, "", h.DB.Name)})
	h.Launch(t)
	if err := h.Wait(t); status.ExitCode(err) != status.ExitRequirement || !strings.Contains(err.Error(), "COMMENT ON PUBLICATION") {
		t.Errorf("ended with %v", err)
	}
}
