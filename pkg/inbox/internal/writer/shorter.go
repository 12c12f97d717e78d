package writer

import (
	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/dlt"
)

// Shorter is dlt.Shorter for a message, which itself is not changed.
func Shorter(m *sarama.ProducerMessage) (short *sarama.ProducerMessage, ok bool) {
	key, keyErr := encoded(m.Key)
	value, valueErr := encoded(m.Value)
	if keyErr != nil || valueErr != nil {
		return nil, false
	}
	headers := make([]dlt.Header, len(m.Headers))
	for i, h := range m.Headers {
		headers[i] = dlt.Header{Name: string(h.Key), Value: h.Value}
	}
	form, ok := dlt.Shorter(dlt.Letter{Key: key, Value: value, Headers: headers})
	if !ok {
		return nil, false
	}
	short = &sarama.ProducerMessage{Topic: m.Topic, Partition: m.Partition, Key: Bytes(form.Key), Value: Bytes(form.Value)}
	for _, h := range form.Headers {
		short.Headers = append(short.Headers, sarama.RecordHeader{Key: []byte(h.Name), Value: h.Value})
	}
	return short, true
}

// encoded returns the bytes of a key or a value, nil for none.
func encoded(e sarama.Encoder) ([]byte, error) {
	if e == nil {
		return nil, nil
	}
	return e.Encode()
}
