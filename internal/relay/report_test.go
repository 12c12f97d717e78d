package relay_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// conditions are the names of what is wrong at the moment.
func (h *harness) conditions() []string {
	var names []string
	for _, c := range h.Report("").Conditions {
		names = append(names, c.Name)
	}
	return names
}

// until waits until exactly these conditions are there.
func (h *harness) untilConditions(t *testing.T, want ...string) {
	t.Helper()
	h.Until(t, "conditions "+strings.Join(want, ", "), func() bool { return slices.Equal(h.conditions(), want) })
}

// Both servers being away are two conditions, each with its own beginning, and each
// goes when its server is back. An event that waits meanwhile is no progress, and lag.
func TestConditionsOfServersThatAreAway(t *testing.T) {
	t.Parallel()
	postgres := devstacktest.StartPostgres(t, devstack.PostgresOptions{})
	kafka := devstacktest.StartKafka(t, devstack.KafkaOptions{})
	h := newHarness(t, relaytest.Options{DB: devstacktest.DatabaseOn(t, postgres, "postgres"), Kafka: kafka})
	h.Prepare = func(r *relay.Relay) { r.SetPatience(time.Second) }
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	h.untilConditions(t)
	if !h.ready() {
		t.Error("not ready, and nothing is wrong")
	}
	if err := kafka.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.untilConditions(t, status.ConditionKafka)
	h.Exec(t, relaytest.Insert("k", 2))
	h.untilConditions(t, status.ConditionKafka, status.ConditionNoProgress, status.ConditionLagging)
	if err := postgres.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.untilConditions(t, status.ConditionPostgres, status.ConditionKafka, status.ConditionNoProgress, status.ConditionLagging)
	report := h.Report("")
	for _, c := range report.Conditions[:2] {
		if c.Severity != status.Critical || c.Since.IsZero() || !strings.Contains(c.Hint, "walpost check -c "+h.Config.File) {
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
	h.untilConditions(t, status.ConditionKafka, status.ConditionNoProgress, status.ConditionLagging)
	if err := kafka.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.untilConditions(t)
	h.Stop(t)
}
