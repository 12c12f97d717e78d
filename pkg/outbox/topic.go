package outbox

import (
	"errors"
	"strings"
)

// maxTopicLength is Kafka's limit (Topic.MAX_NAME_LENGTH).
const maxTopicLength = 249

// topicPart is a literal text, or the index of a column if literal is "".
type topicPart struct {
	literal string
	column  int
}

// parseTopic reads the relay's template; index finds a column.
func parseTopic(template string, index func(column string) (int, bool)) ([]topicPart, error) {
	var parts []topicPart
	for rest := template; rest != ""; {
		literal, after, found := strings.Cut(rest, "{")
		if strings.Contains(literal, "}") {
			return nil, errors.New("has a } without its {")
		}
		if literal != "" {
			parts = append(parts, topicPart{literal: literal})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(after, "}")
		if !closed || strings.Contains(name, "{") {
			return nil, errors.New("has a { without its }")
		}
		i, ok := index(name)
		if !ok {
			return nil, errors.New("names the column " + name + ", which is none that this configuration writes")
		}
		parts = append(parts, topicPart{column: i})
		rest = after
	}
	return parts, nil
}

// topicFault says in words what is wrong with a topic name, "" when nothing is:
// Kafka's own rules (Topic.validate), and no name beginning with "__", which
// Kafka keeps for itself.
func topicFault(name []byte) string {
	switch {
	case len(name) == 0:
		return "is empty"
	case string(name) == "." || string(name) == "..":
		return "is . or .."
	case len(name) > maxTopicLength:
		return "is longer than 249 characters"
	case name[0] == '_' && len(name) > 1 && name[1] == '_':
		return "begins with __, which Kafka keeps for itself"
	}
	for _, c := range name {
		if !topicByte(c) {
			return "has a character outside [a-zA-Z0-9._-]"
		}
	}
	return ""
}

func topicByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}
