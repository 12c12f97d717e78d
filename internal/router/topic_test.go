package router

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/topicname"
)

func TestTopicRules(t *testing.T) {
	long := strings.Repeat("a", topicname.MaxLength-len("outbox.event."))
	for _, c := range []struct {
		template topicname.Template
		value    string
		topic    string
		fault    string // part of the text
	}{
		{nil, "Order", "outbox.event.Order", ""},
		{nil, "a-b_c.D9", "outbox.event.a-b_c.D9", ""},
		{nil, long, "outbox.event." + long, ""},
		{nil, long + "a", "", "longer than 249"},
		{nil, "Order/€", "outbox.event.Order/€", "outside"},
		{nil, "a b", "outbox.event.a b", "outside"},
		{nil, "a\x00", "outbox.event.a\x00", "outside"},
		{topicname.Template{{Column: "aggregatetype"}}, ".", ".", ". or .."},
		{topicname.Template{{Column: "aggregatetype"}}, "..", "..", ". or .."},
		{topicname.Template{{Column: "aggregatetype"}}, "...", "...", ""},
		{topicname.Template{{Column: "aggregatetype"}}, "__consumer_offsets", "__consumer_offsets", "__"},
		{topicname.Template{{Column: "aggregatetype"}}, "_schemas", "_schemas", ""},
		{topicname.Template{{Literal: "all"}}, "Order", "all", ""},
		{
			topicname.Template{{Column: "aggregatetype"}, {Literal: "."}, {Column: "type"}, {Literal: ".v1"}},
			"Order",
			"Order.OrderCreated.v1", "",
		},
	} {
		m := defaultMapping()
		if c.template != nil {
			m.Topic = c.template
		}
		ins := with(insert(outbox()), 1, text(c.value))
		if c.fault == "" {
			rec, err := newRouter(t, m).Route(ins, commitTime(), record.Position{})
			if err != nil || rec.Topic != c.topic {
				t.Errorf("%q: %v, %v, want topic %q", c.value, rec, err, c.topic)
			}
			continue
		}
		_, r := rejected(t, m, ins)
		if r.Reason != record.ReasonTopicName || !strings.Contains(r.Text, c.fault) || !strings.Contains(r.Text, "outbox.topic") {
			t.Errorf("%q: %+v", c.value, r)
		}
		if c.topic != "" && r.Topic != c.topic {
			t.Errorf("%q: topic %q, want %q", c.value, r.Topic, c.topic)
		}
		if len(r.Topic) > topicname.MaxLength {
			t.Errorf("%q: topic of %d bytes goes on", c.value, len(r.Topic))
		}
	}
}

func TestTopicOfNullAndEmpty(t *testing.T) {
	for _, v := range []string{"", "NULL"} {
		ins := with(insert(outbox()), 1, text(v))
		if v == "NULL" {
			ins.Row[1] = null()
		}
		rec, r := rejected(t, defaultMapping(), ins)
		if r.Reason != record.ReasonTopicName || r.Column != "aggregatetype" || r.Topic != "outbox.event." || rec.Topic != r.Topic {
			t.Errorf("%q: %+v", v, r)
		}
	}
}

func TestTopicsAllowed(t *testing.T) {
	m := defaultMapping()
	m.Allow = []string{"outbox.event.O*", "billing-?"}
	r := newRouter(t, m)
	if _, err := r.Route(insert(outbox()), commitTime(), record.Position{}); err != nil {
		t.Fatal(err)
	}
	_, rejection := rejected(t, m, with(insert(outbox()), 1, text("Customer")))
	if rejection.Reason != record.ReasonNotAllowed || !strings.Contains(rejection.Text, "kafka.topics.allow") {
		t.Errorf("%+v", rejection)
	}
	m.Allow = []string{"[a-"}
	if _, err := New(m); err == nil {
		t.Error("a broken glob was taken")
	}
}

// Names are interned, and the memory for them has a bound.
func TestTopicsAreBounded(t *testing.T) {
	ts, err := newTopics(&Mapping{})
	if err != nil {
		t.Fatal(err)
	}
	name := make([]byte, 0, 8)
	for i := range 3 * maxInterned {
		name = fmt.Appendf(name[:0], "%06d", i)
		if _, r := ts.check(name); r != nil {
			t.Fatal(r)
		}
		if len(ts.passed) > maxInterned {
			t.Fatalf("%d names kept", len(ts.passed))
		}
	}
	if len(ts.passed) == 0 {
		t.Error("no names kept")
	}
}

// A row may not name a dead letter topic: who may INSERT would write there what redrive
// believes.
func TestRowsCannotNameDeadLetterTopics(t *testing.T) {
	for _, c := range []struct {
		template, value string
		topic           string // "" when the row is published
	}{
		{"{topic}.DLT", "Order.DLT", "outbox.event.Order.DLT"},
		{"{topic}.DLT", "Order", ""},
		{"outbox.event.dead", "dead", "outbox.event.dead"},
		{"outbox.event.dead", "Order.DLT", "outbox.event.Order.DLT"}, // consumers write there
		{"outbox.event.dlq.{topic}", "dlq.x", "outbox.event.dlq.x"},
		{"outbox.event.dlq.{topic}", "dlq", ""},
		{"", "Order.DLT", "outbox.event.Order.DLT"},
	} {
		template, err := topicname.Parse(c.template)
		if err != nil {
			t.Fatal(err)
		}
		m := defaultMapping()
		m.DeadLetter, m.Allow = template, []string{"outbox.event.*"}
		ins := with(insert(outbox()), 1, text(c.value))
		if c.topic == "" {
			if _, err := newRouter(t, m).Route(ins, commitTime(), record.Position{}); err != nil {
				t.Errorf("%s, %s: %v", c.template, c.value, err)
			}
			continue
		}
		r := newRouter(t, m)
		for range 2 { // also when the name was seen before
			_, err := r.Route(ins, commitTime(), record.Position{})
			var rejection *record.Rejection
			if !errors.As(err, &rejection) || rejection.Reason != record.ReasonDeadLetter || rejection.Topic != c.topic ||
				!strings.Contains(rejection.Text, "delivery.dead_letter") || !strings.Contains(rejection.Text, c.topic) {
				t.Errorf("%s, %s: %v", c.template, c.value, err)
			}
		}
	}
	m := defaultMapping()
	m.Topic = topicname.Template{{Literal: "orders.DLT"}} // the file names it, not the row
	m.DeadLetter = topicname.Template{{Column: "topic"}, {Literal: ".DLT"}}
	if _, err := newRouter(t, m).Route(insert(outbox()), commitTime(), record.Position{}); err != nil {
		t.Error(err)
	}
}

// A regular expression makes the name of what the template makes, and the rules are for
// the name.
func TestTopicOfARegex(t *testing.T) {
	for _, c := range []struct {
		regex, replacement, value string
		topic, fault              string // part of the text; "": published
	}{
		{`(?<routedByValue>.*)`, "outbox.event.${routedByValue}", "Order", "outbox.event.Order", ""},
		{`(.*)\.v\d+`, "ev.$1", "Order.v2", "ev.Order", ""},
		{`(.*)\.v\d+`, "ev.$1", "Order", "Order", ""}, // not matched
		{`(.*)\.v\d+`, "ev.$1.DLT", "Order.v2", "ev.Order.DLT", "dead letter"},
		{`(.*)\.v\d+`, "billing.$1", "Order.v2", "billing.Order", "kafka.topics.allow"},
		{`(.*)\.v\d+`, "ev.$1", "a b.v2", "ev.a b", "outside"},
		{`(.*)/(.*)`, "ev.$2", strings.Repeat("x", 300) + "/Order", "ev.Order", ""}, // longer than a name before
		{`.*/(.*)`, "ev.$1", strings.Repeat("x", 1000) + "/Order", "", "longer than 249"},
		{`.*`, "", "Order", "", "is empty"},
	} {
		m := defaultMapping()
		m.Topic, m.TopicRegex, m.Replacement = topicname.Template{{Column: "aggregatetype"}}, c.regex, c.replacement
		m.DeadLetter, m.Allow = topicname.Template{{Column: "topic"}, {Literal: ".DLT"}}, []string{"outbox.*", "ev.*", "Order", "x*"}
		r := newRouter(t, m)
		for range 2 { // also when the value was seen before
			rec, err := r.Route(with(insert(outbox()), 1, text(c.value)), commitTime(), record.Position{})
			rejection, rejected := errors.AsType[*record.Rejection](err)
			switch {
			case c.fault == "" && (err != nil || rec.Topic != c.topic):
				t.Errorf("%s: %v, %v, want %s", c.value, rec, err, c.topic)
			case c.fault != "" && (!rejected || !strings.Contains(rejection.Text, c.fault) || c.topic != "" && rejection.Topic != c.topic):
				t.Errorf("%s: %v, want %s", c.value, err, c.fault)
			}
		}
	}
	m := defaultMapping()
	m.TopicRegex, m.Replacement = "(a", "x"
	if _, err := New(m); err == nil {
		t.Error("a broken expression was taken")
	}
}
