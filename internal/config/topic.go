package config

import (
	"errors"
	"strings"

	"github.com/walpost/walpost/internal/javaregex"
	"github.com/walpost/walpost/internal/topicname"
)

// nameLength is more characters of a column than a topic's name may have.
const nameLength = 300

// TopicOf returns the topic of a row, whose values are those of Topic.Columns, in their
// order.
func (o *Outbox) TopicOf(values ...string) string {
	made := o.Topic.Render(values...)
	if o.TopicReplacer == nil {
		return made
	}
	return o.TopicReplacer.Replace(made)
}

// OnlyTopic returns the topic of all rows, "" where each row names its own.
func (o *Outbox) OnlyTopic() string {
	if len(o.Topic.Columns()) > 0 {
		return ""
	}
	return o.TopicOf()
}

// TopicGlobs returns globs that cover the topics of all rows. What the regular expression
// does not match keeps the name that the template makes.
func (o *Outbox) TopicGlobs() []string {
	if only := o.OnlyTopic(); only != "" {
		return []string{only}
	}
	switch r := o.TopicReplacer; {
	case r == nil:
		return []string{o.Topic.Glob()}
	case r.MatchesAll():
		return []string{r.Glob()}
	default:
		return []string{r.Glob(), o.Topic.Glob()}
	}
}

// TopicLength returns how many characters of a column are enough to know the topic.
func (o *Outbox) TopicLength() int {
	if o.TopicReplacer == nil {
		return nameLength
	}
	return javaregex.MaxText + 1
}

const (
	keyTopic            = "outbox.topic"
	keyTopicRegex       = "outbox.topic_regex"
	keyTopicReplacement = "outbox.topic_replacement"
)

// topicRegex reads the regular expression with its replacement.
func (r *reader) topicRegex() {
	o := &r.cfg.Outbox
	if !r.sound(keyTopic, keyTopicRegex, keyTopicReplacement) || o.TopicRegex == "" && o.TopicReplacement == "" {
		return
	}
	_, topic := r.places[keyTopic]
	switch {
	case o.TopicReplacement == "":
		r.fault(r.at(keyTopicRegex), keyTopicRegex, "needs %s too", keyTopicReplacement)
		return
	case o.TopicRegex == "":
		r.fault(r.at(keyTopicReplacement), keyTopicReplacement, "needs %s too", keyTopicRegex)
		return
	case !topic:
		r.fault(r.at(keyTopicRegex), keyTopicRegex,
			"needs %s too, for the text that it is applied to, such as \"{aggregatetype}\"", keyTopic)
		return
	}
	replacer, err := javaregex.New(o.TopicRegex, o.TopicReplacement)
	if err == nil {
		err = checkReplacement(replacer.Literals())
	}
	if err != nil {
		key := keyTopicRegex
		if refused, ok := errors.AsType[*javaregex.Error](err); !ok || refused.Replacement {
			key = keyTopicReplacement
		}
		r.fault(r.at(key), key, "%s", err)
		return
	}
	o.TopicReplacer = replacer
}

// checkReplacement checks what stands between the groups by the rules of topicname.
func checkReplacement(literals []string) error {
	text := strings.Join(literals, "")
	switch {
	case !topicname.ValidCharacters(text):
		return errors.New("want letters, digits, ., _ and - around the groups, as Kafka does in topic names")
	case len(text) > topicname.MaxLength:
		return errors.New("makes names that are longer than those of topics may be")
	}
	return nil
}
