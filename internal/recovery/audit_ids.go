package recovery

import (
	"bytes"
	"crypto/sha256"
	"slices"
)

// idHash stands for an id: 16 bytes whatever its length. Of 2^64 ids two would
// share one.
type idHash [16]byte

func hashID(id []byte) idHash {
	sum := sha256.Sum256(id)
	return idHash(sum[:16])
}

// idSet is ids, and which of them were seen: 17 bytes for each.
type idSet struct {
	hashes []idHash // sorted once sort was called
	seen   []bool
}

func (s *idSet) add(h idHash) { s.hashes = append(s.hashes, h) }

// sort makes the set ready to be looked into.
func (s *idSet) sort() *idSet {
	slices.SortFunc(s.hashes, compareIDs)
	s.hashes = slices.Compact(s.hashes)
	s.seen = make([]bool, len(s.hashes))
	return s
}

func (s *idSet) find(h idHash) (int, bool) { return slices.BinarySearchFunc(s.hashes, h, compareIDs) }

func compareIDs(a, b idHash) int { return bytes.Compare(a[:], b[:]) }
