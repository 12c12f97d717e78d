// Package event has how an event stands in the headers of a Kafka record: for packages
// that have a type of their own for it.
//
// It knows sarama. pkg/inbox and pkg/projection import it, so it must not know walpost's
// own packages.
package event

import (
	"slices"

	"github.com/IBM/sarama"
)

// Headers of an event, unless a configuration names others.
const (
	IDHeader   = "id"
	TypeHeader = "eventType"
)

// Headers returns the headers of a record, in order, as a package has them. Names that are
// known need no memory.
func Headers[H ~struct {
	Name  string
	Value []byte
}](record []*sarama.RecordHeader, known ...string) []H {
	headers := make([]H, len(record))
	for i, h := range record {
		headers[i] = H{Name: nameOf(h.Key, known), Value: h.Value}
	}
	return headers
}

func nameOf(key []byte, known []string) string {
	for _, name := range known {
		if string(key) == name {
			return name
		}
	}
	return string(key)
}

// Last returns the value of the last header of that name: a name may come more than once.
func Last[H ~struct {
	Name  string
	Value []byte
}](headers []H, name string) (value []byte, ok bool) {
	for _, h := range slices.Backward(headers) {
		if h := (struct {
			Name  string
			Value []byte
		})(h); h.Name == name {
			return h.Value, true
		}
	}
	return nil, false
}
