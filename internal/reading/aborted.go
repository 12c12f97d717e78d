package reading

import (
	"encoding/binary"
	"slices"

	"github.com/IBM/sarama"
)

// Aborted follows the transactions of the batches that one Fetch with ReadCommitted
// answered, as KIP-98 has clients do: the broker names the aborted ones by producer
// and first offset, and a control batch ends each.
type Aborted struct {
	begins []*sarama.AbortedTransaction
	open   map[int64]bool // producer ids
}

// NewAborted takes the answer for one partition.
func NewAborted(block *sarama.FetchResponseBlock) *Aborted {
	return &Aborted{begins: block.AbortedTransactions, open: map[int64]bool{}}
}

// Hides says whether a batch is nobody's to see: control records, or records that
// were aborted. Batches must come in order, each once.
func (a *Aborted) Hides(b *sarama.RecordBatch) bool {
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
