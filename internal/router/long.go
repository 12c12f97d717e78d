package router

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/safetext"
)

// A row may be larger than what a record may be, and then it is not held in memory
// as a whole: of a column that can only make the record too large the stream keeps
// the beginning (pgoutput.Discarded).

// roomBeside bounds what is kept of a column beyond twice the largest record.
const roomBeside = 16 << 20

// Columns returns for each column of the table how many bytes it may have in a row whose
// record fits; 0 for one that is no part of the record. nil: no row of the table can be
// routed.
func (r *Router) Columns(rel *pgoutput.Relation) []int {
	p, err := r.plan(rel)
	if err != nil {
		return nil
	}
	limits := make([]int, len(rel.Columns))
	for _, c := range p.columns() {
		limits[c.index] = max(limits[c.index], r.mapping.longest(p.shrinks(c)))
	}
	for i := range p.filter {
		c := &p.filter[i]
		limits[c.index] = max(limits[c.index], c.longest+1)
	}
	return limits
}

// Content returns how many bytes of JSON an event without a table may have: a text in it
// may be twice or three times as long as what it stands for.
func (r *Router) Content() int {
	if r.mapping.MaxBytes == 0 {
		return math.MaxInt
	}
	return int(3*r.mapping.MaxBytes + 1<<20)
}

// MaxColumn returns how long the text of any column may be that a record of so many bytes
// may be made from.
func MaxColumn(maxBytes int64) int64 { return 2*maxBytes + roomBeside }

// longest returns how long the text of a column may be in the row.
func (m *Mapping) longest(shrinks int64) int {
	if m.MaxBytes == 0 {
		return math.MaxInt
	}
	return int(min(shrinks*m.MaxBytes, MaxColumn(m.MaxBytes)) + 2) // 2: \x
}

// shrinksExpanded is for an expanded payload, which may be any amount shorter: members that
// are null go, and so do blanks and zeros.
const shrinksExpanded = 1 << 20

// shrinks returns how many times longer the text of a column may be in the row than in the
// record.
func (p *plan) shrinks(c *column) int64 {
	switch {
	case c == p.value && p.composed != nil && p.composed.expander != nil && c.json.Text():
		return shrinksExpanded
	case c.json != nil:
		return c.json.Shrinks()
	default:
		return c.conversion.Shrinks()
	}
}

// columns returns all columns of the mapping.
func (p *plan) columns() []*column {
	all := p.textColumns()
	for _, c := range []*column{p.timestamp, p.partition, p.members, p.keyObject, p.trace} {
		if c != nil {
			all = append(all, c)
		}
	}
	if p.composed != nil && p.composed.version != nil {
		all = append(all, p.composed.version)
	}
	return all
}

// discard notes that the row has a column which was not kept.
func (r *Router) discard(c *column, v pgoutput.Value) []byte {
	if r.discarded.Size == 0 {
		r.discarded, r.discardedName = v, c.name
	}
	switch c.setting {
	case keyID, keyTopic:
		return v.Data // its beginning identifies the row
	default:
		return nil
	}
}

// lacks returns what of the row is missing in the record, "" when nothing is.
func (r *Router) lacks() string {
	var lacks []string
	if r.discarded.Size > 0 {
		lacks = append(lacks, "column "+r.discardedName+" of "+strconv.FormatUint(uint64(r.discarded.Size), 10)+" bytes")
	}
	if r.refused != nil && r.refused.Lacks != "" {
		lacks = append(lacks, r.refused.Lacks)
	}
	return strings.Join(lacks, "; ")
}

// RouteHead is RouteMessage for an event whose content has size bytes, more than
// Content allows, and of which only the beginning is known. It is a *Rejection.
func (r *Router) RouteHead(head []byte, size int, commitTime time.Time, pos record.Position) (*record.Record, error) {
	rejection := &record.Rejection{
		Reason: record.ReasonTooLarge, Lacks: "content of " + strconv.Itoa(size) + " bytes",
		Text: "the content of the message is of " + strconv.Itoa(size) + " bytes: no record of kafka.max_message_bytes (" +
			strconv.FormatInt(r.mapping.MaxBytes, 10) + ") is made from it; raise it, and max.message.bytes of the topic",
	}
	rec, err := r.routeHead(head, commitTime, pos)
	if partly, ok := errors.AsType[*record.Rejection](err); ok {
		rejection.TopicIncomplete = partly.TopicIncomplete
	} else if err != nil {
		rec, _ = r.malformed(nil, "", commitTime, pos)
		rejection.TopicIncomplete = true
	}
	rec.Value = nil
	rejection.ID, rejection.Topic = safetext.TruncateName(rec.Headers[0].Value), rec.Topic
	return rec, rejection
}

// routeHead returns what can be made of an event whose content ends too early: the
// members that were read until then.
func (r *Router) routeHead(head []byte, commitTime time.Time, pos record.Position) (*record.Record, error) {
	for range utf8.UTFMax - 1 { // it may end inside of a character
		if c, n := utf8.DecodeLastRune(head); c != utf8.RuneError || n != 1 {
			break
		}
		head = head[:len(head)-1]
	}
	if !utf8.Valid(head) {
		return r.malformed(nil, "it is not UTF-8", commitTime, pos)
	}
	return r.Route(r.messages.Partial(head), commitTime, pos)
}
