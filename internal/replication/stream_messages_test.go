package replication

import (
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/postgrestest"
	"github.com/walpost/walpost/internal/postgres/provision"
)

// TestMessagesNeedNoPublicationButRowsDo: what the guard of messages rests on. They
// come without the publication on every major; up to 17 a change of any table then
// breaks the stream, loudly, and from 18 on it is passed over.
func TestMessagesNeedNoPublicationButRowsDo(t *testing.T) {
	t.Parallel()
	for _, major := range []int{15, 18} {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: major})
			conn := postgrestest.OpenSQL(t, postgrestest.Target(server.URL("postgres")))
			exec := func(sql string) {
				t.Helper()
				if _, err := conn.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			read := func() (string, error) {
				var kinds string
				err := conn.QueryRow(t.Context(), `SELECT coalesce(string_agg(chr(get_byte(data, 0)), ''), '')
		FROM pg_logical_slot_peek_binary_changes('s', NULL::pg_lsn, NULL::int,
					'proto_version', '1', 'publication_names', 'p', 'messages', 'true')`, pgx.QueryExecModeSimpleProtocol).Scan(&kinds)
				return kinds, err
			}
			exec(provision.CreatePublicationSQL("p", pgname.Table{}, provision.PublicationOptions{}))
			exec(provision.CreateSlotSQL("s", false))
			exec("DROP PUBLICATION p")
			exec("SELECT pg_logical_emit_message(true, 'outbox', '{}')")
			if kinds, err := read(); err != nil || kinds != "BMC" {
				t.Errorf("%q, %v", kinds, err)
			}
			exec("CREATE TABLE public.other (x int)")
			exec("INSERT INTO public.other VALUES (1)")
			exec("SELECT pg_logical_emit_message(true, 'outbox', '{}')")
			kinds, err := read()
			if broken := postgres.KindOf(postgres.Classify("read", err)) == postgres.PublicationMissing; broken != (major < 18) ||
				!broken && kinds != "BMCBMC" {
				t.Errorf("%q, %v", kinds, err)
			}
		})
	}
}
