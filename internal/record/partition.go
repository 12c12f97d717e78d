package record

import "github.com/walpost/walpost/internal/murmur2"

// Partition returns where Kafka's Java client puts a record with this key when the topic
// has n partitions, n > 0. A record without a key has no such place; an empty key has.
func Partition(key []byte, n int32) int32 { return murmur2.Partition(key, n) }
