package faults_test

import (
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// A role from which the server withholds what the relay does not need streams and is
// guarded all the same. What is not known is not told.
func TestRow103_RunsWithoutWhatItDoesNotNeed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	role := stack.Name(t)
	h.Exec(t, "CREATE ROLE "+role+" LOGIN REPLICATION")
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	h.Stop(t)
	h.Released(t)
	for _, object := range []string{
		"EXECUTE ON FUNCTION pg_control_system(), pg_control_checkpoint(), pg_is_in_recovery(), pg_current_wal_lsn(), " +
			"pg_walfile_name(pg_lsn), pg_last_wal_replay_lsn()",
		"SELECT ON pg_stat_replication, pg_stat_activity, pg_prepared_xacts, pg_roles, pg_settings",
	} {
		h.Exec(t, "REVOKE "+object+" FROM PUBLIC")
	}
	h.Configure(t, keys{"postgres.url": h.DB.Server.URLFor(role, "", h.DB.Name)})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 2))
	h.Confirmed(t)
	h.Until(t, "the guard to look", h.Guarded)
	h.Until(t, "the slot to be seen", func() bool { return h.Report("").Slot != nil })
	if r := h.Report(""); r.LagBytes != nil || !r.Ready() {
		t.Errorf("the report is %+v", r)
	}
	h.Exec(t, "ALTER PUBLICATION "+h.Config.Postgres.Publication+" DROP TABLE outbox")
	h.Halts(t, status.ExitHalted, "no longer in publication")
	h.judge(t)
}
