package record

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/walpost/walpost/internal/dlt"
	"github.com/walpost/walpost/internal/topicname"
)

// topicPlaceholder is the only name a dead-letter template knows.
const topicPlaceholder = "topic"

// DeadLetters makes dead letters. Its method is pure and safe for concurrent use.
type DeadLetters struct {
	template topicname.Template
}

// NewDeadLetters takes the template of delivery.dead_letter, which has no column but
// {topic}.
func NewDeadLetters(template topicname.Template) (*DeadLetters, error) {
	if template.IsZero() {
		return nil, errors.New("delivery.dead_letter: empty template")
	}
	for _, column := range template.Columns() {
		if column != topicPlaceholder {
			return nil, fmt.Errorf("delivery.dead_letter: {%s}: the template knows {topic} only", column)
		}
	}
	if !template.Valid() {
		return nil, errors.New("delivery.dead_letter: each part is a literal or {topic}")
	}
	return &DeadLetters{template: slices.Clone(template)}, nil
}

// DeadLetterError is a dead letter that cannot be written because its topic
// would have no legal name. Its row halts the relay, as under `stop`.
type DeadLetterError struct {
	Topic string // name that was refused, "" when none could be built
	Text  string
}

func (e *DeadLetterError) Error() string { return e.Text }

// Record returns the dead letter of a rejected record: the same key, value,
// headers and timestamp, by key, in the topic of the template, with the headers
// above. Its key, value and header values are those of rec, not copies; the list
// of headers is its own.
//
// A dead letter that fits no request goes without its value: see Shorter.
//
// The topic gets its name by the rules for every other, but the allow list does
// not apply. A row whose topic could not be built in full has no dead-letter
// topic under a template with {topic}.
func (d *DeadLetters) Record(rec *Record, rej *Rejection, pos Position, at time.Time) (*Record, error) {
	topic, err := d.topic(rej)
	if err != nil {
		return nil, err
	}
	letter := *rec
	letter.Topic = topic
	letter.Partition = -1
	letter.Headers = append(slices.Clip(rec.Headers),
		Header{Name: dlt.HeaderTopic, Value: []byte(rej.Topic)},
		Header{Name: dlt.HeaderReason, Value: []byte(rej.Reason)},
		Header{Name: dlt.HeaderError, Value: []byte(rej.Text)},
		Header{Name: dlt.HeaderPosition, Value: []byte(pos.String())},
		Header{Name: dlt.HeaderTime, Value: at.UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z07:00")},
	)
	if rej.Lacks != "" {
		letter.Headers = append(letter.Headers, Header{Name: dlt.HeaderIncomplete, Value: []byte(rej.Lacks)})
	}
	if letter.Size() > maxDeadLetter {
		if short, ok := Shorter(&letter); ok {
			return short, nil
		}
	}
	return &letter, nil
}

func (d *DeadLetters) topic(rej *Rejection) (string, error) {
	if rej.TopicIncomplete && len(d.template.Columns()) > 0 {
		return "", &DeadLetterError{Text: "the row has no topic that delivery.dead_letter could name: give it a name without {topic}"}
	}
	topic := d.template.Render(rej.Topic)
	if wrong := topicname.Fault(topic); wrong != "" {
		return "", &DeadLetterError{
			Topic: topic,
			Text:  "the dead-letter topic's name " + wrong + ": change delivery.dead_letter, a name without {topic} takes all",
		}
	}
	return topic, nil
}
