package connector_test

import (
	"strings"
	"testing"
)

func TestTopicBecomesATemplateWhereItCan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ regex, replacement, want string }{
		{"", "", ""},
		{"", "${routedByValue}", "topic: '{aggregatetype}'"},
		{"", "a.${routedByValue}.b", "topic: a.{aggregatetype}.b"},
		{"(?<x>.*)", "${x}-events", "topic: '{aggregatetype}-events'"},
		{"(.*)", "v1.$1", "topic: v1.{aggregatetype}"},
		{"(.+)", "$0", "topic: '{aggregatetype}'"},
		{"(.*)", `a\$b.$1`, `topic_replacement: a\$b.$1`}, // no name that Kafka accepts: walpost refuses the file
		{"(.*)", "$12", "topic_replacement: $12"},
		{"(.*)", "$1$1", "topic_replacement: $1$1"},
		{"(?<x>.*)", "${routedByValue}", "topic_regex: (?<x>.*)"},
		{"(order|payment)", "$1.events", "topic_regex: (order|payment)"},
		{"", "fixed", "topic_replacement: fixed"},
		{" [a-z]*", "$0", "topic_regex: ' [a-z]*'"}, // it matches a name that begins with a blank
	} {
		config := base(nil)
		if c.regex != "" {
			config["transforms.outbox.route.topic.regex"] = c.regex
		}
		if c.replacement != "" {
			config["transforms.outbox.route.topic.replacement"] = c.replacement
		}
		yaml := string(imported(t, config).YAML)
		if !strings.Contains(yaml, c.want) || c.want == "" && strings.Contains(yaml, "topic") {
			t.Errorf("%s, %s: want %s in\n%s", c.regex, c.replacement, c.want, yaml)
		}
	}
}

func TestRegexRouterAfterTheEventRouter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ regex, replacement, want string }{
		{`outbox\.event\.(.*)`, "shop.$1", "topic: shop.{aggregatetype}"},
		{`outbox.event.(.*)`, "$1", "topic: '{aggregatetype}'"},
		{`outbox.(.*)`, "$1", "topic: event.{aggregatetype}"},
		{`(.*)`, "eu.$1", "topic: eu.outbox.event.{aggregatetype}"},
		{`prod\.(.*)`, "$1", `topic_regex: prod\.(.*)`}, // it never matches, and does nothing in both
		{`outbox\.event\.(a|b)`, "$1", `topic_regex: outbox\.event\.(a|b)`},
	} {
		yaml := string(imported(t, base(map[string]string{
			"transforms": "outbox,route", "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
			"transforms.route.regex": c.regex, "transforms.route.replacement": c.replacement,
		})).YAML)
		if !strings.Contains(yaml, c.want) {
			t.Errorf("%s, %s: want %s in\n%s", c.regex, c.replacement, c.want, yaml)
		}
	}
}
