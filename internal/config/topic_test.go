package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/javaregex"
)

func outbox(t *testing.T, keys configtest.Keys) *config.Config {
	t.Helper()
	all := configtest.Keys{
		"name": "orders", "postgres.url": "postgres://walpost@localhost:5432/shop", "kafka.brokers": []string{"localhost:9092"},
	}
	cfg, err := config.Parse("orders.yaml", []byte(all.With(keys).YAML(t)))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestTopicOfARow(t *testing.T) {
	t.Parallel()
	cfg := outbox(t, configtest.Keys{})
	o := &cfg.Outbox
	if got := o.TopicOf("Order"); got != "outbox.event.Order" || o.OnlyTopic() != "" || o.TopicLength() > javaregex.MaxText {
		t.Errorf("%s, %q, %d", got, o.OnlyTopic(), o.TopicLength())
	}
	for _, c := range []struct {
		topic, regex, replacement string
		value, name               string
		only                      string
		globs                     []string
	}{
		{"{aggregatetype}", "(?<name>.*)", "ev.${name}", "Order", "ev.Order", "", []string{"ev.*"}},
		{"{aggregatetype}", "([a-z]+)\\.(.*)", "ev.$1-$2", "shop.Order", "ev.shop-Order", "", []string{"ev.*-**", "*"}},
		{"{aggregatetype}", "([a-z]+)\\.(.*)", "ev.$1-$2", "Order", "Order", "", []string{"ev.*-**", "*"}},
		{"{aggregatetype}", ".*", "all", "Order", "all", "", []string{"all"}},
		{"orders", "(.*)", "ev.$1", "", "ev.orders", "ev.orders", []string{"ev.orders"}},
	} {
		cfg := outbox(t, configtest.Keys{"outbox.topic": c.topic, "outbox.topic_regex": c.regex, "outbox.topic_replacement": c.replacement})
		o := &cfg.Outbox
		var values []string
		if c.value != "" {
			values = append(values, c.value)
		}
		if got := o.TopicOf(values...); got != c.name || o.OnlyTopic() != c.only || !slices.Equal(o.TopicGlobs(), c.globs) {
			t.Errorf("%s, %s: %s, %s, %q", c.regex, c.replacement, got, o.OnlyTopic(), o.TopicGlobs())
		}
		if text := strings.Repeat("x", o.TopicLength()); c.only == "" && o.TopicOf(text) != text {
			t.Error("a text that is longer than what is read of a column makes a name")
		}
	}
}

// Declared topics are named by rows when the regular expression makes them.
func TestNamedTopicsOfARegex(t *testing.T) {
	t.Parallel()
	cfg := outbox(t, configtest.Keys{
		"outbox.topic": "{aggregatetype}", "outbox.topic_regex": "(.*)", "outbox.topic_replacement": "ev.$1",
		"kafka.topics.declare": map[string]any{"ev.order": map[string]any{}, "order": map[string]any{}},
	})
	if got := cfg.NamedTopics(); !slices.Equal(got, []string{"ev.order"}) {
		t.Errorf("%q", got)
	}
}
