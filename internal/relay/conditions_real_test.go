package relay_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// conditions are the names of what is wrong at the moment.
func (b *bench) conditions() []string {
	var names []string
	for _, c := range b.relay.Report("").Conditions {
		names = append(names, c.Name)
	}
	return names
}

// until waits until exactly these conditions are there.
func (b *bench) untilConditions(t *testing.T, want ...string) {
	t.Helper()
	b.until(t, "conditions "+strings.Join(want, ", "), func() bool { return slices.Equal(b.conditions(), want) })
}

// Both servers being away are two conditions, each with its own beginning, and each
// goes when its server is back. An event that waits meanwhile is no progress, and lag.
func TestConditionsOfServersThatAreAway(t *testing.T) {
	t.Parallel()
	postgres := devstacktest.StartPostgres(t, devstack.PostgresOptions{})
	conn, err := postgres.Connect(t.Context(), "postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	db := devstacktest.Database{Server: postgres, Name: "postgres", URL: postgres.URL("postgres"), Conn: conn}
	db.Exec(t, relaytest.OutboxDDL)
	kafka := devstacktest.StartKafka(t, devstack.KafkaOptions{})
	b := newBenchOn(t, db, kafka)
	b.patience = time.Second
	b.start(t)
	db.Exec(t, relaytest.Insert("k", 1))
	b.confirmed(t)
	b.untilConditions(t)
	if !b.ready() {
		t.Error("not ready, and nothing is wrong")
	}
	if err := kafka.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.untilConditions(t, status.ConditionKafka)
	db.Exec(t, relaytest.Insert("k", 2))
	b.untilConditions(t, status.ConditionKafka, status.ConditionNoProgress, status.ConditionLagging)
	if err := postgres.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.untilConditions(t, status.ConditionPostgres, status.ConditionKafka, status.ConditionNoProgress, status.ConditionLagging)
	report := b.relay.Report("")
	for _, c := range report.Conditions[:2] {
		if c.Severity != status.Critical || c.Since.IsZero() || !strings.Contains(c.Hint, "walpost check -c "+b.cfg.File) {
			t.Errorf("%+v", c)
		}
	}
	if report.LastError == nil || report.Ready() || report.Hint == "" {
		t.Errorf("%+v", report)
	}
	if !report.Conditions[1].Since.Before(report.Conditions[0].Since) {
		t.Errorf("Kafka went first, and the times say otherwise: %+v", report.Conditions)
	}
	if err := postgres.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.untilConditions(t, status.ConditionKafka, status.ConditionNoProgress, status.ConditionLagging)
	if err := kafka.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.untilConditions(t)
	if err := b.end(t); err != nil {
		t.Fatal(err)
	}
}
