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
	"github.com/walpost/walpost/internal/router/connect"
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

// idReader reads an id's text as the header `id` has it: of a header of JSON the value that
// stands for it, without quotes and without a schema.
type idReader struct {
	router *router.Router
	json   bool
}

func newIDReader(column string, headers router.Encoding) (*idReader, error) {
	m := router.Mapping{Topic: topicname.Template{{Literal: "id"}}, ID: column, Value: column}
	r := &idReader{json: headers != router.EncodingText}
	if r.json {
		m.Format.Headers = router.EncodingJSON
	}
	var err error
	r.router, err = router.New(m)
	return r, err
}

// text is valid until the next call; nil is NULL.
func (r *idReader) text(rel *pgoutput.Relation, row ...pgoutput.Value) ([]byte, error) {
	rec, err := r.router.Route(&pgoutput.Insert{Relation: rel, Row: row}, time.UnixMilli(0), record.Position{})
	if _, long := errors.AsType[*record.Rejection](err); !long && err != nil { // the beginning of a long one names it: no record has it
		return nil, &status.Halt{Code: status.ExitRequirement, Reason: "the id cannot be read", Detail: err.Error()}
	}
	return r.plain(rec.Headers[0].Value), nil
}

// plain returns the text of a header, nil for null.
func (r *idReader) plain(header []byte) []byte {
	if !r.json {
		return header
	}
	return connect.Plain(header)
}
