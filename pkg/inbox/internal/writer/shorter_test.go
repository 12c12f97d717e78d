package writer_test

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/writer"
)

// Very many empty headers are too much as well.
func TestShorterLeavesOutEmptyHeaders(t *testing.T) {
	t.Parallel()
	short, ok := writer.Shorter(&sarama.ProducerMessage{Headers: make([]sarama.RecordHeader, 1_000_000)})
	if !ok {
		t.Fatal("there is no shorter form")
	}
	if len(short.Headers) > 1000 {
		t.Errorf("%d headers", len(short.Headers))
	}
}
