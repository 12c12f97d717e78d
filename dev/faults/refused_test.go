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
	db := stack.Database(t)
	role := stack.Name(t)
	db.Exec(t, "CREATE ROLE "+role+" LOGIN REPLICATION")
	first := newBenchOn(t, db.Server, db.Name, option{})
	first.start(t)
	first.exec(t, relaytest.Insert("k", 1))
	first.confirmed(t)
	first.end(t)
	first.released(t)
	for _, object := range []string{
		"EXECUTE ON FUNCTION pg_control_system(), pg_control_checkpoint(), pg_is_in_recovery(), pg_current_wal_lsn(), " +
			"pg_walfile_name(pg_lsn), pg_last_wal_replay_lsn()",
		"SELECT ON pg_stat_replication, pg_stat_activity, pg_prepared_xacts, pg_roles, pg_settings",
	} {
		db.Exec(t, "REVOKE "+object+" FROM PUBLIC")
	}
	b := *first
	b.cfg = relaytest.Load(t, "name: "+first.cfg.Name+"\npostgres: {url: '"+db.Server.URLFor(role, "", db.Name)+"'}\nkafka: {brokers: ['"+
		first.cfg.Kafka.Brokers[0]+
		"']}\noutbox: {topic: '"+first.cfg.Name+".{aggregatetype}', position_header: walpost-position}\n")
	b.start(t)
	b.exec(t, relaytest.Insert("k", 2))
	b.confirmed(t)
	b.until(t, "the guard to look", b.relay.Guarded)
	b.until(t, "the slot to be seen", func() bool { return b.relay.Report("").Slot != nil })
	if r := b.relay.Report(""); r.LagBytes != nil || !r.Ready() {
		t.Errorf("the report is %+v", r)
	}
	b.exec(t, "ALTER PUBLICATION "+b.cfg.Postgres.Publication+" DROP TABLE outbox")
	b.halts(t, status.ExitHalted, "no longer in publication")
	b.judge(t)
}
