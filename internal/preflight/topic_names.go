package preflight

import (
	"fmt"
	"slices"
	"strings"
)

// TopicNamesRequirements warns of rows that are rejected because of the names that they
// lead to. check says what is wrong with each of them.
func TopicNamesRequirements(invalid []string, check func(topic string) error) []Requirement {
	if len(invalid) == 0 {
		return nil
	}
	return []Requirement{warn("topic names", "correct the rows, or outbox.topic",
		"rows are rejected because of the topics that they lead to (%d), such as %q: %v", len(invalid), invalid[0], check(invalid[0]))}
}

// NamedTopics is which topics the rows of an outbox can name.
type NamedTopics struct {
	Globs  []string // cover the topics of all rows
	Allow  []string // kafka.topics.allow
	Create bool     // kafka.topics.create
	Max    int      // kafka.topics.most
}

// Requirements warns of topics that anybody who may INSERT can name: with kafka.topics.create
// they are created, and without a literal prefix they may belong to others.
func (n NamedTopics) Requirements() []Requirement {
	anything := len(n.Allow) == 0 || slices.Contains(n.Allow, "*")
	named := slices.ContainsFunc(n.Globs, func(glob string) bool { return strings.Contains(glob, "*") })
	anyPrefix := slices.ContainsFunc(n.Globs, func(glob string) bool { return strings.HasPrefix(glob, "*") })
	if !anything || !named || !n.Create && !anyPrefix {
		return nil
	}
	detail := "rows may name any topic"
	if n.Create {
		detail += fmt.Sprintf(", which is then made, up to %d of them", n.Max)
	}
	return []Requirement{warn("kafka.topics.allow",
		"kafka.topics.allow: the names of this service's topics, with * for a part", "%s", detail)}
}
