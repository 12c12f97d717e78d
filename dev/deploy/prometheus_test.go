package deploy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// server is a running Prometheus.
type server struct{ address string }

// startPrometheus runs a Prometheus with the project's rules, which scrapes one
// relay, until the test ends.
func startPrometheus(t *testing.T, relay string) *server {
	t.Helper()
	rules, err := filepath.Abs(filepath.Join(root, rulesFile))
	if err != nil {
		t.Fatal(err)
	}
	config := write(t, "prometheus.yml", fmt.Sprintf(`
global: {scrape_interval: 500ms, evaluation_interval: 500ms}
rule_files: [%q]
scrape_configs:
  - {job_name: walpost, static_configs: [{targets: [%q]}]}
`, rules, relay))
	s := &server{address: devstacktest.FreeAddress(t)}
	devstacktest.Start(t, exec.CommandContext(t.Context(), tool(t, "prometheus", "prometheus"), "--config.file="+config,
		"--storage.tsdb.path="+t.TempDir(), "--web.listen-address="+s.address, "--log.level=warn"))
	devstacktest.Await(t, "Prometheus to scrape the relay", func() bool {
		found, err := s.query(`count(walpost_state)`)
		return err == nil && found > 0
	})
	return s
}

// ask gets an answer of Prometheus' API, the field `data`.
func (s *server) ask(path string, values url.Values, into any) error {
	resp, err := http.PostForm("http://"+s.address+"/api/v1/"+path, values)
	if strings.HasPrefix(path, "rules") || strings.HasPrefix(path, "label") {
		resp, err = http.Get("http://" + s.address + "/api/v1/" + path)
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer := struct {
		Data  any    `json:"data"`
		Error string `json:"error"`
	}{Data: into}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	return nil
}

// query returns the number of series that an expression has now.
func (s *server) query(expr string) (series int, err error) {
	var data struct {
		Result []json.RawMessage `json:"result"`
	}
	if err := s.ask("query", url.Values{"query": {expr}}, &data); err != nil {
		return 0, fmt.Errorf("%s: %w", expr, err)
	}
	return len(data.Result), nil
}

// names are the metrics it has.
func (s *server) names(t *testing.T) map[string]bool {
	t.Helper()
	var list []string
	if err := s.ask("label/__name__/values", nil, &list); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, n := range list {
		names[n] = true
	}
	return names
}

// ruleState is how Prometheus judges a rule.
type ruleState struct {
	Name      string `json:"name"`
	State     string `json:"state"`
	Health    string `json:"health"`
	LastError string `json:"lastError"`
}

func (s *server) rules(t *testing.T) []ruleState {
	t.Helper()
	var data struct {
		Groups []struct {
			Rules []ruleState `json:"rules"`
		} `json:"groups"`
	}
	if err := s.ask("rules", nil, &data); err != nil {
		t.Fatal(err)
	}
	var list []ruleState
	for _, g := range data.Groups {
		list = append(list, g.Rules...)
	}
	return list
}
