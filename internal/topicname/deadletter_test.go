package topicname

import "testing"

func TestRowsMayNotNameDeadLetterTopics(t *testing.T) {
	for _, c := range []struct {
		template, name string
		want           bool
	}{
		{"{topic}.DLT", "orders.DLT", true},
		{"{topic}.DLT", "orders.DLT.DLT", true},
		{"{topic}.DLT", "orders", false},
		{"{topic}.DLT", "orders.dlt", false},
		{"dead", "dead", true},
		{"dead", "dead.letters", false},
		{"dead", "orders.DLT", true}, // consumers write there
		{"", "orders.DLT", true},
		{"", "orders", false},
		{"dlq.{topic}", "dlq.orders", true},
		{"dlq.{topic}", "dlq.", false},
		{"dlq.{topic}", "orders", false},
		{"dlq.{topic}.v1", "dlq.orders.v1", true},
		{"dlq.{topic}.v1", "dlq.v1", false},
		{"{topic}-{topic}", "a.b-a.b", true},
		{"{topic}-{topic}", "a.b-a.c", false},
		{"x{topic}-{topic}y", "xa-ay", true},
		{"x{topic}-{topic}y", "xa-aby", false},
	} {
		template, err := Parse(c.template)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckRows(Template{{Column: "type"}}, template, c.name); (err != nil) != c.want {
			t.Errorf("%q, %q: %v", c.template, c.name, err)
		}
		if err := CheckRows(Template{{Literal: c.name}}, template, c.name); err != nil {
			t.Errorf("%q: %v, although no row names it", c.name, err)
		}
	}
}
