// Package murmur2 is the hash by which Kafka's Java client chooses a partition for a
// key. It knows bytes, and nothing else.
package murmur2

import "encoding/binary"

// Partition is where Kafka's Java client puts a record with this key when the
// topic has n partitions, n > 0: toPositive(murmur2(key)) % n
// (BuiltInPartitioner.partitionForKey). A record without a key has no such
// place; an empty key has.
func Partition(key []byte, n int32) int32 {
	return int32(Sum(key)&0x7fffffff) % n
}

// Sum is org.apache.kafka.common.utils.Utils.murmur2: 32-bit MurmurHash2
// with Kafka's seed.
func Sum(data []byte) uint32 {
	const (
		seed = 0x9747b28c
		m    = 0x5bd1e995
		r    = 24
	)
	h := uint32(seed) ^ uint32(len(data))
	for len(data) >= 4 {
		k := binary.LittleEndian.Uint32(data) * m
		k ^= k >> r
		h = h*m ^ k*m
		data = data[4:]
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(data[0])) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}
