package recovery

import (
	"sync/atomic"

	"github.com/walpost/walpost/internal/producer"
)

// counter counts the records that Kafka refused.
type counter struct {
	producer.NopObserver
	rejected atomic.Int64
}

// Rejected counts a record.
func (c *counter) Rejected(string, string) { c.rejected.Add(1) }
