package audit

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/topicname"
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

// idReader reads an id's text as the header `id` has it.
type idReader struct{ router *router.Router }

func newIDReader(column string) (*idReader, error) {
	rt, err := router.New(router.Mapping{Topic: topicname.Template{{Literal: "id"}}, ID: column, Value: column})
	return &idReader{router: rt}, err
}

// text is valid until the next call; nil is NULL.
func (r *idReader) text(rel *pgoutput.Relation, row ...pgoutput.Value) ([]byte, error) {
	rec, err := r.router.Route(&pgoutput.Insert{Relation: rel, Row: row}, time.UnixMilli(0), record.Position{})
	if _, long := errors.AsType[*record.Rejection](err); long { // its beginning names it: no record has it
		return rec.Headers[0].Value, nil
	}
	if err != nil {
		return nil, &status.Halt{Code: status.ExitRequirement, Reason: "the id cannot be read", Detail: err.Error()}
	}
	return rec.Headers[0].Value, nil
}
