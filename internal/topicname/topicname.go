// Package topicname owns the rules for the names of Kafka's topics, and the templates
// that names are made from.
//
// It depends on the standard library alone: pkg/outbox, which services import, applies
// the same rules as the relay.
package topicname

import "strings"

// MaxLength is Kafka's limit (Topic.MAX_NAME_LENGTH).
const MaxLength = 249

// Pattern is a regular expression of the names that begin as they may and have no other
// characters. A length and the names . and .. it cannot exclude.
const Pattern = `^(_?[a-zA-Z0-9.-][a-zA-Z0-9._-]*|_)$`

// reservedPrefix begins the names of Kafka's own topics.
const reservedPrefix = "__"

// Error is what is wrong with a name, as Fault words it.
type Error string

func (e Error) Error() string { return "topic name " + string(e) }

// Check returns an Error when name breaks a rule.
func Check(name string) error {
	if fault := Fault(name); fault != "" {
		return Error(fault)
	}
	return nil
}

// Valid reports whether name breaks no rule.
func Valid(name string) bool { return Fault(name) == "" }

// Fault returns what is wrong with a name, in words that go on after it, and "" when
// nothing is. The rules are Kafka's (Topic.validate), and that no name begins with "__",
// which Kafka keeps for itself.
func Fault[T string | []byte](name T) string {
	switch {
	case len(name) == 0:
		return "is empty"
	case string(name) == "." || string(name) == "..":
		return "is . or .."
	case len(name) > MaxLength:
		return "is longer than 249 characters"
	case len(name) >= len(reservedPrefix) && string(name[:len(reservedPrefix)]) == reservedPrefix:
		return "begins with __, which Kafka keeps for itself"
	}
	if !ValidCharacters(name) {
		return "has a character outside [a-zA-Z0-9._-]"
	}
	return ""
}

// ValidCharacters reports whether each character may be part of a name.
func ValidCharacters[T string | []byte](text T) bool {
	for i := range len(text) {
		if !validByte(text[i]) {
			return false
		}
	}
	return true
}

func validByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}

// Reserved reports whether Kafka keeps the name for itself, such as __consumer_offsets.
func Reserved(name string) bool { return strings.HasPrefix(name, reservedPrefix) }
