package deploy_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/status"
)

var heading = regexp.MustCompile(`(?m)^#{2,3} (.+)$`)

// sections are the texts of a page's sections, by heading.
func sections(text string) map[string]string {
	all := map[string]string{}
	places := heading.FindAllStringSubmatchIndex(text, -1)
	for i, p := range places {
		end := len(text)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		all[text[p[2]:p[3]]] = text[p[1]:end]
	}
	return all
}

// Each alert and each condition has a section that says what it means.
func TestOperationsExplainsEverything(t *testing.T) {
	t.Parallel()
	page := sections(read(t, "docs/operations.md"))
	for _, a := range alerts(t) {
		section := page[a.Alert]
		if !strings.HasPrefix(strings.TrimSpace(section), a.Labels["severity"]+", ") ||
			!strings.Contains(section, "See [") && !strings.Contains(section, "**Means**") {
			t.Errorf("docs/operations.md does not say what %s (%s) is: %q", a.Alert, a.Labels["severity"], section)
		}
	}
	for _, kind := range status.Conditions() {
		name := kind.Name
		for _, word := range []string{"**Means**", "**To do"} {
			if !strings.Contains(page[name], word) {
				t.Errorf("docs/operations.md, %s: no %s", name, word)
			}
		}
	}
	for _, state := range status.States() {
		if !strings.Contains(page["States"], "`"+string(state)+"`") {
			t.Errorf("docs/operations.md does not explain the state %s", state)
		}
	}
	for _, reason := range []string{
		record.ReasonTopicName, record.ReasonNotAllowed, record.ReasonTooLarge,
		record.ReasonTimestamp, record.ReasonPartition, record.ReasonMessage, record.ReasonHeaders,
		record.ReasonInvalidRecord, record.ReasonMissingTopic, record.ReasonMissingPartition,
	} {
		if !strings.Contains(page[status.ConditionRejected], "`"+reason+"`") {
			t.Errorf("docs/operations.md does not explain the reason %s", reason)
		}
	}
	names := metricNames(t)
	names["walpost_kafka_request_seconds"] = true // the whole histogram; no query may name it so
	wantKnownMetrics(t, names, "docs/operations.md", read(t, "docs/operations.md"))
}
