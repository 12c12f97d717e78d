package e2e_test

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// TestExitCodes takes one way to each exit code, with the process itself. Other tests have
// the halt at a rejected record, a publication without its slot, and a standby.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T){
		"0 asked to stop": func(t *testing.T) {
			h := newHarness(t, nil)
			p := walpost(t, "run", "-c", h.Config.File)
			p.Ready(t)
			p.Terminate(t)
			p.Exits(t, 0)
		},
		"0 with Kafka away and nothing read": func(t *testing.T) {
			p := walpost(t, "run", "-c", newHarness(t, nowhere).Config.File)
			p.Writes(t, `"kafka_unavailable"`)
			p.Terminate(t)
			p.Exits(t, 0)
		},
		"1 second signal": func(t *testing.T) {
			p := stuck(t, nil)
			p.Terminate(t)
			p.Writes(t, `"asked to stop"`)
			p.Terminate(t)
			p.Exits(t, 1, "second signal")
		},
		"1 shutdown_timeout": func(t *testing.T) {
			p := stuck(t, keys{"shutdown_timeout": "1s"})
			p.Terminate(t)
			p.Exits(t, 1, "shutdown_timeout has passed", "nothing is lost")
		},
		"2 no such flag": func(t *testing.T) { walpost(t, "run", "--no-such-flag").Exits(t, 2) },
		"2 no file":      func(t *testing.T) { walpost(t, "run").Exits(t, 2, "-c FILE") },
		"2 one bad file among good ones": func(t *testing.T) {
			good := newHarness(t, nil)
			walpost(t, "run", "-c", folder(t, good.Config.File, good.File(t, keys{"outbx.topic": "x"}))).Exits(t,
				2, ".yaml:", "outbx", "outbox")
			if n := good.slots(t); n != 0 {
				t.Errorf("the good one was started: it has a slot")
			}
		},
		"3 no such database": func(t *testing.T) {
			h := newHarness(t, nil)
			walpost(t, "run", "-c", h.File(t, keys{"postgres.url": h.DB.Server.URL("nosuchdatabase")})).Exits(t,
				3, "nosuchdatabase")
		},
		"3 wal_level": func(t *testing.T) {
			server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Settings: map[string]string{"wal_level": "replica"}})
			if err := server.Exec(t.Context(), "postgres", relaytest.OutboxDDL); err != nil {
				t.Fatal(err)
			}
			h := newHarness(t, nil)
			walpost(t, "run", "-c", h.File(t, keys{"postgres.url": server.URL("postgres")})).Exits(t, 3, "wal_level")
		},
		"3 create: false, and neither publication nor slot": func(t *testing.T) {
			walpost(t, "run", "-c", newHarness(t, keys{"postgres.create": false}).Config.File).Exits(t, 3, "walpost init")
		},
		"4 slot dropped while running": func(t *testing.T) {
			h := newHarness(t, nil)
			p := walpost(t, "run", "-c", h.Config.File)
			p.Ready(t)
			h.Exec(t, relaytest.Insert("k", 1))
			h.confirmed(t, p)
			devstacktest.Await(t, "the slot to be dropped between two connections", func() bool {
				h.Exec(t, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active AND slot_name = '"+
					h.Config.Postgres.Slot+"'")
				_, err := h.DB.Conn.Exec(t.Context(), "SELECT pg_drop_replication_slot('"+h.Config.Postgres.Slot+"')")
				return err == nil
			})
			p.Exits(t, 4, "does not exist any more", "walpost recover")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// stuck is a process that has read an event which Kafka, being away, cannot take.
func stuck(t *testing.T, more keys) *process {
	t.Helper()
	h := newHarness(t, more.With(nowhere))
	p := walpost(t, "run", "-c", h.Config.File)
	p.Writes(t, `"msg":"streaming"`) // a slot that is seen may still be in the making
	h.Exec(t, relaytest.Insert("k", 1))
	p.Until(t, "the event to be read", func() bool { return p.metric(t, "walpost_in_flight_events{") == 1 })
	return p
}
