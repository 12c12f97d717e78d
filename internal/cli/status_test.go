package cli_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// keys returns the keys of the report of a relay, as JSON has them.
func reportKeys() []string {
	return []string{
		"conditions", "consumer_groups", "hint", "in_flight", "kafka_transactions", "lag_bytes", "lag_seconds", "last_error",
		"oldest_unacked_seconds", "postgres_version", "reason", "rejected", "relay", "since", "slot", "state", "topics", "version",
	}
}

func TestStatusFromPostgres(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"outbox.topic": "PREFIX.all"})
	walpost(t, "status", "-c", s.file).want(t, 0, "state=stopped", "the slot does not exist", "walpost init", "conditions=slot_missing")
	walpost(t, "init", "-c", s.file).want(t, 0)
	r := walpost(t, "status", "--json", "-c", s.file)
	r.want(t, 0, `"relay": "`+s.db.Name+`"`, `"confirmed_flush_lsn": "0/`,
		`"retained_bytes": `, `"safe_wal_bytes": null`, `"conditions": []`,
		`"since": null`, `"lag_seconds": null`, `"in_flight": null`, `"version"`)
	shape(t, r.out)
	several := walpost(t, "status", "--json", "-c", s.file, "-c", s.file)
	if several.code == 0 { // two files of one name are refused
		t.Error("a relay twice")
	}

	away := s.write(t, keys{"outbox.topic": "PREFIX.all", "kafka.brokers": []string{nobody}})
	walpost(t, "status", "-c", away).want(t, 0, "state=stopped", "conditions=kafka_unreachable")
	gone := s.write(t, keys{"outbox.topic": "PREFIX.all", "postgres.url": "postgres://x@" + nobody + "/x"})
	r = walpost(t, "status", "-c", gone)
	r.want(t, 3, "state=connecting", "conditions=postgres_unreachable", "127.0.0.1:1")

	watch := clitest.Start(t, "status", "--watch", "--interval", "10ms", "--json", "-c", s.file)
	devstacktest.Await(t, "three looks", func() bool { return strings.Count(watch.Log.String(), `"restart_lsn":"0/`) >= 3 })
	watch.Terminate(t)
	watch.Exits(t, 0)
}

// shape checks that a text is an object with these keys.
func shape(t *testing.T, text string) {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if got := slices.Sorted(maps.Keys(object)); !slices.Equal(got, reportKeys()) {
		t.Errorf("keys %v, want %v", got, reportKeys())
	}
}

func TestStatusFromTheRunningRelay(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	s.db.Exec(t, relaytest.OutboxDDL)
	if err := stack.Kafka(t).CreateTopic(t.Context(), s.prefix+".a", 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	more := keys{"delivery.on_reject": "skip", "monitor.consumer_groups": []string{"nobody"}}
	r := clitest.Start(t, "run", "-c", s.write(t, more.With(freePort)))
	r.Writes(t, `"msg":"streaming"`)
	s.db.Exec(t, insert("a", "k", 1), insert("a", "k", 2), insert("no/topic", "k", 3))
	file := s.write(t, more.With(keys{"admin.listen": r.Address(t)}))

	var st status.Reports
	devstacktest.Await(t, "the records, the slot and the replicas in /status", func() bool {
		code, body := r.Get(t, "/status")
		if code != http.StatusOK || json.Unmarshal([]byte(body), &st) != nil {
			t.Fatalf("/status %d %s", code, body)
		}
		return len(st[0].Topics) == 1 && st[0].Topics[0].Published == 2 && st[0].Topics[0].UnderReplicated != nil && st[0].Slot != nil &&
			len(st[0].Rejected) == 1
	})
	_, body := r.Get(t, "/status")
	shape(t, body)
	got := st[0]
	if got.Relay != s.db.Name || got.State != status.Streaming || got.Since == nil || *got.LagSeconds != 0 || got.InFlight.Events != 0 ||
		got.Topics[0].Topic != s.prefix+".a" || *got.Topics[0].UnderReplicated != 0 ||
		got.Rejected[0].Events != 1 || !got.Slot.Active || got.Version == "" {
		t.Errorf("%s", body)
	}
	if len(got.Conditions) != 1 || got.Conditions[0].Name != status.ConditionRejected {
		t.Errorf("%+v", got.Conditions)
	}
	walpost(t, "status", "-c", file).want(t, 0, "state=streaming", "in_flight_events=0", "conditions=records_rejected")
	asked := walpost(t, "status", "--json", "-c", file)
	asked.want(t, 0, `"published": 2`)
	shape(t, asked.out)
	if code, body := r.Get(t, "/history"); code != http.StatusOK || !strings.Contains(body, `"`+s.db.Name+`":{"seconds":[`) {
		t.Errorf("/history %d %s", code, body)
	}

	walpost(t, "health", "-c", file).want(t, 0, "ok")
	walpost(t, "health", "--ready", "--address", r.Address(t)).want(t, 0, s.db.Name+": streaming")
	measured(t, r, s)
	r.Terminate(t)
	r.Exits(t, 0)
	walpost(t, "health", "-c", file).want(t, 1)
	walpost(t, "status", "-c", file).want(t, 0, "state=stopped")
}

// measured checks that a real relay has every family of metrics that needs no event of
// its own.
func measured(t *testing.T, r *clitest.Walpost, s setup) {
	t.Helper()
	_, body := r.Get(t, "/metrics")
	for _, name := range []string{
		"state", "events_published_total", "bytes_published_total", "events_rejected_total", "changes_ignored_total",
		"commit_to_ack_seconds_count", "lag_seconds",
		"in_flight_events", "in_flight_bytes", "oldest_unacked_seconds",
		"slot_lag_bytes", "slot_retained_bytes", "slot_safe_wal_bytes", "slot_wal_status",
		"reconnects_total", "possible_repeats_total", "produce_errors_total", "kafka_request_seconds_count",
		"topic_under_replicated_partitions",
		"topic_isr_shrinks_total", "condition",
	} {
		if !regexp.MustCompile(`(?m)^walpost_` + name + `\{.*relay="` + s.db.Name + `".*\} `).MatchString(body) {
			t.Errorf("no walpost_%s", name)
		}
	}
	for _, line := range []string{
		`walpost_slot_wal_status{relay="NAME",status="reserved"} 1`, `walpost_slot_safe_wal_bytes{relay="NAME"} +Inf`,
		`walpost_condition{condition="records_rejected",relay="NAME",severity="warning"} 1`,
		`walpost_condition{condition="halted",relay="NAME",severity="critical"} 0`,
		`walpost_topic_under_replicated_partitions{relay="NAME",topic="PREFIX.a"} 0`,
	} {
		if line = strings.NewReplacer("NAME", s.db.Name, "PREFIX", s.prefix).Replace(line); !strings.Contains(body, line+"\n") {
			t.Errorf("no %s", line)
		}
	}
}

// Every family of metrics exists before the first event, even if topics come from columns
// and no group is watched; and what happens counts.
func TestEveryMetricOfARunningRelay(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	s.db.Exec(t, relaytest.OutboxDDL)
	for _, topic := range []string{".a", ".DLT"} {
		if err := stack.Kafka(t).CreateTopic(t.Context(), s.prefix+topic, 1, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	r := clitest.Start(t, "run", "-c", s.write(t, toDLT.With(freePort)))
	r.Writes(t, `"msg":"streaming"`)
	_, body := r.Get(t, "/metrics")
	for _, name := range []string{
		"state{", "events_published_total{", "bytes_published_total{", "events_rejected_total{", "dead_letters_total{",
		"changes_ignored_total{",
		"commit_to_ack_seconds_bucket{", "lag_seconds{", "in_flight_events{",
		"in_flight_bytes{", "oldest_unacked_seconds{", "slot_lag_bytes{",
		"slot_retained_bytes{", "slot_safe_wal_bytes{", "slot_wal_status{", "reconnects_total{", "possible_repeats_total{",
		"produce_errors_total{",
		"kafka_request_seconds_bucket{", "topic_under_replicated_partitions{",
		"topic_isr_shrinks_total{", "consumer_group_lag{", "condition{",
	} {
		if !strings.Contains(body, "\nwalpost_"+name) {
			t.Errorf("no walpost_%s before the first event", name)
		}
	}
	s.db.Exec(t, "ALTER PUBLICATION walpost_"+s.db.Name+" SET (publish = 'insert, update')", insert("a", "k", 1),
		insert("no/topic", "k", 2), "UPDATE outbox SET type = 'x' WHERE aggregateid = 'k'")
	devstacktest.Await(t, "the updates to be confirmed: what is read again counts again",
		devstacktest.Confirmed(t, s.db.Conn, "walpost_"+s.db.Name))
	s.db.Exec(t, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = 'walpost_"+s.db.Name+"'",
		insert("a", "k", 3))
	want := []string{
		`walpost_events_published_total{relay="NAME",topic="PREFIX.a"} 2`,
		`walpost_events_published_total{relay="NAME",topic="PREFIX.DLT"} 1`,
		`walpost_events_rejected_total{reason="invalid_topic",relay="NAME",topic="other"} 1`,
		`walpost_dead_letters_total{relay="NAME",topic="PREFIX.DLT"} 1`,
		`walpost_changes_ignored_total{op="update",relay="NAME"} 2`, `walpost_reconnects_total{peer="postgres",relay="NAME"} 1`,
		`walpost_topic_under_replicated_partitions{relay="NAME",topic="PREFIX.a"} 0`,
		`walpost_slot_wal_status{relay="NAME",status="reserved"} 1`, `walpost_possible_repeats_total{relay="NAME"} 0`,
	}
	var missing string
	defer func() {
		if t.Failed() {
			t.Log("last missing: ", missing)
		}
	}()
	devstacktest.Await(t, "the counts in /metrics", func() bool {
		_, body := r.Get(t, "/metrics")
		for _, line := range want {
			if line = strings.NewReplacer("NAME", s.db.Name, "PREFIX", s.prefix).Replace(line); !strings.Contains(body, line+"\n") {
				missing = line
				return false
			}
		}
		return true
	})
	_, body = r.Get(t, "/metrics")
	for _, count := range []string{"commit_to_ack_seconds_count", "kafka_request_seconds_count"} {
		if strings.Contains(body, "walpost_"+count+`{relay="`+s.db.Name+`"} 0`+"\n") {
			t.Errorf("nothing in walpost_%s", count)
		}
	}
	r.Terminate(t)
	r.Exits(t, 0)
}

func TestHealthWithoutAnAdminServer(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	walpost(t, "health", "-c", s.file).want(t, 2, "admin.listen")
	walpost(t, "health").want(t, 2, "-c FILE")
	walpost(t, "health", "--address", "127.0.0.1:1").want(t, 1, "127.0.0.1:1")
	walpost(t, "health", "--address", "127.0.0.1:1", "-c", s.file).want(t, 2, "address")
}
