package deploy_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// dashboard is what is looked at of the dashboard's JSON.
type dashboard struct {
	UID        string `json:"uid"`
	Templating struct {
		List []struct {
			Name       string `json:"name"`
			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
	Panels []struct {
		ID          int    `json:"id"`
		Type        string `json:"type"`
		Title       string `json:"title"`
		Description string `json:"description"`
		Datasource  struct {
			UID string `json:"uid"`
		} `json:"datasource"`
		Targets []struct {
			RefID string `json:"refId"`
			Expr  string `json:"expr"`
		} `json:"targets"`
	} `json:"panels"`
}

func loadDashboard(t *testing.T) *dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "deploy/grafana/walpost.json")), &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

func TestDashboardIsWhole(t *testing.T) {
	t.Parallel()
	ids, asked, names := map[int]bool{}, map[string]bool{}, metricNames(t)
	for _, p := range loadDashboard(t).Panels {
		if ids[p.ID] || p.Title == "" {
			t.Errorf("panel %d %q: its id is another's, or it has no title", p.ID, p.Title)
		}
		ids[p.ID] = true
		if p.Type != "row" && (p.Description == "" || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0) {
			t.Errorf("panel %q has no description, no query, or a datasource of its own: %q", p.Title, p.Datasource.UID)
		}
		for _, q := range p.Targets {
			wantKnownMetrics(t, names, p.Title, q.Expr)
			for _, name := range walpostMetric.FindAllString(q.Expr, -1) {
				asked[name] = true
			}
		}
	}
	for name := range names {
		isPart := strings.HasSuffix(name, "_sum") || strings.HasSuffix(name, "_count")
		if strings.HasPrefix(name, "walpost_") && !isPart && !asked[name] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}

// monitored is a relay to which everything that is measured has happened: events,
// a dead letter, a consumer group, a slot with a limit.
func monitored(t *testing.T) (address string, event func()) {
	t.Helper()
	postgres := devstacktest.StartPostgres(t, devstack.PostgresOptions{Settings: map[string]string{"max_slot_wal_keep_size": "1GB"}})
	if err := postgres.Exec(t.Context(), "postgres", `CREATE TABLE outbox (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
		aggregatetype text, aggregateid text, type text, payload jsonb)`); err != nil {
		t.Fatal(err)
	}
	brokers, topic := stack.Kafka(t).Bootstrap(devstack.Plaintext), stack.Topic(t, 2)
	commitOffset(t, brokers, "mail", topic)
	address = startRelay(t, fmt.Sprintf(`
name: orders
postgres: {url: %q}
outbox: {topic: "{aggregatetype}"}
kafka: {brokers: [%s], topics: {create: true}}
delivery: {on_reject: dead_letter, dead_letter: %s.DLT}
monitor: {consumer_groups: ["*"]}
admin: {listen: "127.0.0.1:0"}
`, postgres.URL("postgres"), strings.Join(brokers, ", "), topic))
	event = func() {
		insert := "INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('" + topic +
			"', 'k', 'T', '{}'), ('no topic', 'k', 'T', '{}')"
		if err := postgres.Exec(t.Context(), "postgres", insert); err != nil {
			t.Fatal(err)
		}
	}
	return address, event
}

// commitOffset creates a consumer group that has read nothing yet.
func commitOffset(t *testing.T, brokers []string, group, topic string) {
	t.Helper()
	client, err := sarama.NewClient(brokers, sarama.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	offsets, err := sarama.NewOffsetManagerFromClient(group, client)
	if err != nil {
		t.Fatal(err)
	}
	defer offsets.Close()
	partition, err := offsets.ManagePartition(topic, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer partition.Close()
	partition.MarkOffset(0, "")
	partition.ResetOffset(0, "")
	offsets.Commit()
}

// expressions are the queries of the dashboard as Grafana would ask them, and the
// selectors of the rules, whose whole expressions are empty when all is well.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	list := map[string]string{}
	variables := strings.NewReplacer("$relay", "orders", "$__rate_interval", "5s")
	for _, p := range loadDashboard(t).Panels {
		for _, q := range p.Targets {
			list[p.Title+" "+q.RefID] = variables.Replace(q.Expr)
		}
	}
	selector := regexp.MustCompile(`\bwalpost_[a-z_]+(\{[^}]*\})?`)
	for _, r := range alerts(t) {
		for i, s := range selector.FindAllString(r.Expr, -1) {
			list[fmt.Sprintf("%s %d", r.Alert, i)] = s
		}
	}
	return list
}

// Every query of the dashboard and of the rules is asked of a real Prometheus that
// scrapes a real relay: none fails, every metric is known, and all have data.
func TestQueriesOnARunningRelay(t *testing.T) {
	t.Parallel()
	address, event := monitored(t)
	prometheus := startPrometheus(t, address)
	left := expressions(t)
	// A relay that streams is in no other state.
	const otherStates = "State B"
	if _, there := left[otherStates]; !there {
		t.Fatalf("no query %q", otherStates)
	}
	delete(left, otherStates)
	defer func() {
		for name, expr := range left {
			t.Errorf("%s: no data: %s", name, expr)
		}
	}()
	devstacktest.Await(t, "data for every query", func() bool {
		event()
		for name, expr := range left {
			series, err := prometheus.query(expr)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if series > 0 {
				delete(left, name)
			}
		}
		return len(left) == 0
	})
	names := prometheus.names(t)
	for _, p := range loadDashboard(t).Panels {
		for _, q := range p.Targets {
			for _, name := range regexp.MustCompile(`\b(walpost|process|go)_[a-z_]+\b`).FindAllString(q.Expr, -1) {
				if !names[name] {
					t.Errorf("%s: the relay has no metric %s", p.Title, name)
				}
			}
		}
	}
	const rejected = "WalpostRecordsRejected"
	devstacktest.Await(t, "the rule of rejected records to be evaluated", func() bool {
		return slices.ContainsFunc(prometheus.rules(t), func(r ruleState) bool { return r.Name == rejected && r.State == "firing" })
	})
	for _, r := range prometheus.rules(t) {
		if r.Health != "ok" {
			t.Errorf("%s: %s %s", r.Name, r.Health, r.LastError)
		}
		if firing := r.State == "firing"; firing != (r.Name == rejected) { // pending may come of a busy machine
			t.Errorf("%s is %s", r.Name, r.State)
		}
	}
}
