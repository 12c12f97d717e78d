package devstacktest

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

// Confirmed returns a condition to wait for: the slot is confirmed up to all that was
// written before this call.
func Confirmed(t testing.TB, conn *pgx.Conn, slot string) func() bool {
	t.Helper()
	end := Value[string](t, conn, "SELECT pg_current_wal_insert_lsn()::text")
	return func() bool {
		return Value[bool](t, conn, "SELECT coalesce(bool_or(confirmed_flush_lsn >= $1::text::pg_lsn), false) FROM "+
			"pg_replication_slots WHERE slot_name = $2", end, slot)
	}
}

// Released returns a condition to wait for: nobody reads the slot, or there is none.
func Released(t testing.TB, conn *pgx.Conn, slot string) func() bool {
	return func() bool {
		return !Value[bool](t, conn, "SELECT coalesce(bool_or(active), false) FROM pg_replication_slots WHERE slot_name = $1", slot)
	}
}

// Disconnect ends whoever reads the slot, and waits until nobody does. It asks again and
// again: a walsender whose client reads nothing waits in the write of its own last words
// until it is asked once more.
func Disconnect(t testing.TB, conn *pgx.Conn, slot string) {
	t.Helper()
	released := Released(t, conn, slot)
	Await(t, "the slot to be free", func() bool {
		if released() {
			return true
		}
		const end = "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active AND slot_name = $1"
		if _, err := conn.Exec(t.Context(), end, slot); err != nil {
			t.Fatal(err)
		}
		return false
	})
}
