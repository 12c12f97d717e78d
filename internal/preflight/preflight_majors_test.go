package preflight_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/postgrestest"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/preflight"
)

// TestMajors: what differs between Postgres 14 and 18, on servers of these
// majors: grammar of slots, columns of the views, row filters, failover slots.
func TestMajors(t *testing.T) {
	t.Parallel()
	for _, major := range []int{14, 15, 17, 18} {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: major})
			if err := server.Exec(t.Context(), "postgres", "CREATE ROLE relay LOGIN REPLICATION"); err != nil {
				t.Fatal(err)
			}
			names := catalog.ObjectNames{Table: pgname.Table{Schema: "public", Name: "outbox"}, Publication: "p", Slot: "s"}
			owner := postgrestest.OpenSQL(t, postgrestest.Target(server.URL("postgres")))
			relay := postgrestest.Target(server.URLFor("relay", "", "postgres"))
			conn, err := relay.Replication(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			want := postgrestest.Expectations()
			want.Failover = major >= 17

			testMissingSlot(t, conn, major)
			if _, err := provision.CreateTable(t.Context(), owner, names.Table, postgrestest.Columns()); err != nil {
				t.Fatal(err)
			}
			if _, err := provision.CreatePublication(t.Context(), owner, names.Publication, names.Table,
				postgrestest.Columns(), ""); err != nil {
				t.Fatal(err)
			}
			slot, err := provision.CreateSlot(t.Context(), conn, names.Slot, want.Failover)
			if err != nil || !slot.Created {
				t.Fatalf("%+v, %v", slot, err)
			}
			i, err := catalog.Inspect(t.Context(), postgrestest.OpenSQL(t, relay), names)
			if err != nil {
				t.Fatal(err)
			}
			list := preflight.Postgres(i, want)
			if strings.Count(postgrestest.Lines(list), "ok ") != len(list) || i.Server.Major != major || i.Slot.Failover != want.Failover {
				t.Errorf("major %d, failover %v\n%s", i.Server.Major, i.Slot.Failover, postgrestest.Lines(list))
			}
			if (i.Publication.Published[0].Columns == nil) != (major < 15) {
				t.Errorf("published %+v", i.Publication.Published)
			}
			if _, err := owner.Exec(t.Context(), provision.CreateSlotSQL("by_hand", want.Failover)); err != nil {
				t.Error(err)
			}
		})
	}
}

func testMissingSlot(t *testing.T, conn *pgconn.PgConn, major int) {
	t.Helper()
	_, err := conn.Exec(t.Context(), `START_REPLICATION SLOT "nowhere" LOGICAL 0/0 (proto_version '1', publication_names 'p')`).ReadAll()
	if err = postgres.Classify("start", err); postgres.KindOf(err) != postgres.SlotMissing {
		t.Errorf("%v: %v", postgres.KindOf(err), err)
	}
	if major >= 17 {
		return
	}
	_, err = provision.CreateSlot(t.Context(), conn, "s", true)
	if e, ok := errors.AsType[*postgres.Error](err); !ok || e.Kind != postgres.Unsupported ||
		!strings.Contains(e.Hint, "postgres.failover: false") {
		t.Errorf("%v", err)
	}
}
