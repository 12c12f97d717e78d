package opentransactions

import (
	"cmp"
	"strings"
)

// compare orders by topic, partition and offset.
func (o Open) compare(b Open) int {
	return cmp.Or(strings.Compare(o.Topic, b.Topic), cmp.Compare(o.Partition, b.Partition), cmp.Compare(o.Start, b.Start))
}

// same reports whether both are one transaction on one partition.
func (o Open) same(b Open) bool { return o.compare(b) == 0 && o.ProducerID == b.ProducerID }
