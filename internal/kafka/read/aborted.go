package read

import (
	"encoding/binary"
	"slices"

	"github.com/IBM/sarama"
)

// abortedFilter follows the transactions of the batches that one Fetch with
// ReadCommitted returned, as KIP-98 has clients do: the broker names the aborted ones by
// producer and first offset, and a control batch ends each.
type abortedFilter struct {
	begins []*sarama.AbortedTransaction
	open   map[int64]bool // by producer id
}

func newAbortedFilter(block *sarama.FetchResponseBlock) *abortedFilter {
	return &abortedFilter{begins: block.AbortedTransactions, open: map[int64]bool{}}
}

// skips reports whether nobody may see a batch: control records, and records that were
// aborted. Batches must come in order, each once.
func (a *abortedFilter) skips(b *sarama.RecordBatch) bool {
	a.begins = slices.DeleteFunc(a.begins, func(t *sarama.AbortedTransaction) bool {
		begun := t.FirstOffset <= b.LastOffset()
		if begun {
			a.open[t.ProducerID] = true
		}
		return begun
	})
	if !b.Control {
		return b.IsTransactional && a.open[b.ProducerID]
	}
	// The key of a control record: version, type; type 0 aborts.
	if len(b.Records) > 0 && len(b.Records[0].Key) >= 4 && binary.BigEndian.Uint16(b.Records[0].Key[2:]) == 0 {
		delete(a.open, b.ProducerID)
	}
	return true
}
