package deploy_test

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const rulesFile = "deploy/prometheus/walpost.rules.yml"

// rule is an alert of the rules file.
type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations struct {
		Summary     string `yaml:"summary"`
		Description string `yaml:"description"`
		Runbook     string `yaml:"runbook_url"`
	} `yaml:"annotations"`
}

// alerts are all rules, in the order of the file.
func alerts(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string `yaml:"name"`
			Rules []rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	strict(t, read(t, rulesFile), &file)
	var list []rule
	for _, g := range file.Groups {
		list = append(list, g.Rules...)
	}
	if len(list) == 0 {
		t.Fatal("no rules")
	}
	return list
}

// strict reads one YAML document, in which an unknown key is a fault.
func strict(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.Load([]byte(text), into, yaml.WithKnownFields(true)); err != nil {
		t.Fatal(err)
	}
}

// yamlLoad reads one YAML document, and overlooks keys that nobody asks for.
func yamlLoad(text string, into any) error { return yaml.Load([]byte(text), into) }

func TestRulesAreWell(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "promtool", "prometheus")
	run(t, "deploy/prometheus", promtool, "check", "rules", "walpost.rules.yml")
}

// Each alert fires when it should, and not before.
func TestAlertsFire(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "promtool", "prometheus")
	run(t, "deploy/prometheus", promtool, "test", "rules", "walpost.rules.test.yml")
	var tests struct {
		RuleFiles []string `yaml:"rule_files"`
		Interval  string   `yaml:"evaluation_interval"`
		Tests     []struct {
			Interval string              `yaml:"interval"`
			Series   []map[string]string `yaml:"input_series"`
			Alerts   []struct {
				Time   string `yaml:"eval_time"`
				Name   string `yaml:"alertname"`
				Expect []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		} `yaml:"tests"`
	}
	strict(t, read(t, "deploy/prometheus/walpost.rules.test.yml"), &tests)
	fires, rests := map[string]bool{}, map[string]bool{}
	for _, test := range tests.Tests {
		for _, a := range test.Alerts {
			fires[a.Name] = fires[a.Name] || len(a.Expect) > 0
			rests[a.Name] = rests[a.Name] || len(a.Expect) == 0
		}
	}
	names := metricNames(t)
	for _, r := range alerts(t) {
		if !fires[r.Alert] || !rests[r.Alert] {
			t.Errorf("%s: a test that it fires: %t, that it does not: %t", r.Alert, fires[r.Alert], rests[r.Alert])
		}
		wantKnownMetrics(t, names, r.Alert, r.Expr+r.Annotations.Summary+r.Annotations.Description)
	}
}

func TestAlertsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for _, r := range alerts(t) {
		if s := r.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s: severity %q", r.Alert, s)
		}
		if r.Annotations.Summary == "" || !strings.Contains(r.Annotations.Description, "`") {
			t.Errorf("%s: no summary, or nothing to type in %q", r.Alert, r.Annotations.Description)
		}
		if want := "https://github.com/walpost/walpost/blob/main/docs/operations.md#" +
			strings.ToLower(r.Alert); r.Annotations.Runbook != want {
			t.Errorf("%s: runbook_url %s, want %s", r.Alert, r.Annotations.Runbook, want)
		}
	}
}
