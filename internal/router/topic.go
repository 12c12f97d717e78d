package router

import (
	"fmt"
	"path"
	"strings"

	"github.com/walpost/walpost/internal/javaregex"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/topicname"
)

// maxInterned bounds the memory of topic names: a template over a column of
// free text makes as many names as there are texts.
const maxInterned = 4096

// topics keeps the names that have passed all rules, so that the rules are
// applied once per name and equal names share one string. Beside each is what the template
// made, which is the name itself unless there is a regular expression.
type topics struct {
	allow      []string
	template   topicname.Template  // of rows' topics
	replacer   *javaregex.Replacer // nil: the template makes the name
	deadLetter topicname.Template  // of topics that no row may name
	passed     map[string]interned // by what the template made
	last       interned
	buf        []byte
	replaced   []byte
}

// interned is the name of a topic, and what the template made of the row.
type interned struct{ made, name string }

func newTopics(m *Mapping) (topics, error) {
	t := topics{allow: m.Allow, template: m.Topic, deadLetter: m.DeadLetter, passed: make(map[string]interned)}
	if m.TopicRegex == "" {
		return t, nil
	}
	var err error
	if t.replacer, err = javaregex.New(m.TopicRegex, m.Replacement); err != nil {
		return t, fmt.Errorf("outbox.topic_regex, outbox.topic_replacement: %w", err)
	}
	return t, nil
}

// topic builds the name of the topic of a row. With a rejection the name is as
// far as it could be built.
func (r *Router) topic(p *plan, row pgoutput.Tuple) (string, *record.Rejection, error) {
	t := &r.topics
	t.buf = t.buf[:0]
	for i := range p.topic {
		part := &p.topic[i]
		if part.column == nil {
			t.buf = append(t.buf, part.literal...)
			continue
		}
		text, err := r.text(p, part.column, row)
		if err != nil {
			return "", nil, err
		}
		if len(text) == 0 {
			what := "is NULL"
			if text != nil {
				what = "is empty"
			}
			return partOfName(t.buf), &record.Rejection{
				Reason:          record.ReasonTopicName,
				Column:          part.column.name,
				TopicIncomplete: true,
				Text: "column " + part.column.name + " of the topic template " +
					what + ": write the column, or change " + keyTopic,
			}, nil
		}
		t.buf = append(t.buf, text...)
	}
	name, rejection := t.check(t.buf)
	return name, rejection, nil
}

// check returns the name of what the template made. It applies the rules to the name, and
// keeps it when it passes.
func (t *topics) check(made []byte) (string, *record.Rejection) {
	if t.last.made == string(made) && t.last.made != "" {
		return t.last.name, nil
	}
	if known, ok := t.passed[string(made)]; ok {
		t.last = known
		return known.name, nil
	}
	name := made
	if t.replacer != nil {
		t.replaced = t.replacer.Append(t.replaced[:0], made)
		name = t.replaced
	}
	topic, rejection := t.judge(name)
	if rejection == nil {
		t.keep(made, topic)
	}
	return topic, rejection
}

// judge applies the rules to a name.
func (t *topics) judge(name []byte) (string, *record.Rejection) {
	if wrong := topicname.Fault(name); wrong != "" {
		// A column may hold any amount of text; only as much as a name goes on.
		return partOfName(name), &record.Rejection{
			Reason:          record.ReasonTopicName,
			TopicIncomplete: len(name) > topicname.MaxLength,
			Text:            "topic name " + wrong + ": change " + t.keys() + " or the columns it names",
		}
	}
	topic := string(name)
	if !t.allowed(topic) {
		return topic, &record.Rejection{
			Reason: record.ReasonNotAllowed,
			Text:   "topic " + topic + " is not in kafka.topics.allow: add it there, or change " + t.keys(),
		}
	}
	if err := topicname.CheckRows(t.template, t.deadLetter, topic); err != nil {
		return topic, &record.Rejection{
			Reason: record.ReasonDeadLetter,
			Text:   err.Error() + ", which no row may name: " + topic + "; correct the columns that " + keyTopic + " names",
		}
	}
	return topic, nil
}

// keep keeps the name of what the template made.
func (t *topics) keep(made []byte, topic string) {
	if len(t.passed) >= maxInterned {
		clear(t.passed)
	}
	t.last = interned{made: topic, name: topic}
	if t.replacer != nil {
		t.last.made = string(made)
	}
	t.passed[t.last.made] = t.last
}

// keys are the keys of the configuration that make the name.
func (t *topics) keys() string {
	if t.replacer == nil {
		return keyTopic
	}
	return "outbox.topic_replacement, outbox.topic_regex, " + keyTopic
}

// partOfName is as much of what columns hold as a name may have.
func partOfName(b []byte) string {
	return strings.ToValidUTF8(string(b[:min(len(b), topicname.MaxLength)]), "")
}

func (t *topics) allowed(topic string) bool {
	if len(t.allow) == 0 {
		return true
	}
	for _, glob := range t.allow {
		if ok, err := path.Match(glob, topic); err == nil && ok {
			return true
		}
	}
	return false
}
