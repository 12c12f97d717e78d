package relay

import (
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/checkpoint"
	"github.com/walpost/walpost/internal/crash"
	"github.com/walpost/walpost/internal/lograte"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/relay/past"
	"github.com/walpost/walpost/internal/relay/resume"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/status"
)

// pipeline takes rows from the stream to the producer: it is the stream's sink. It
// outlives connections: what it has read it does not read again.
// Only the stream's goroutine touches it. What other goroutines read is in stats.
type pipeline struct {
	router     *router.Router
	producer   *producer.Producer
	tracker    *checkpoint.Tracker
	observer   Observer
	log        *zap.Logger
	onReject   record.RejectPolicy
	letters    *record.DeadLetters
	stats      *pipelineStats
	resumer    *resume.Resumer // nil: events may repeat
	resumed    bool            // read begins where the events in Kafka end
	rejectHint string          // what another delivery.on_reject would change
	schema     string
	table      string
	prefix     string        // of messages, when the outbox is those and no table; else ""
	oid        uint32        // of the outbox; 0 until its first relation message
	rejections lograte.Lines // by reason

	read      record.Position // of the last event that was read, ever
	current   record.Position // in the transaction the stream is in
	committed time.Time       // its commit time
	xid       uint32          // of it
	inside    bool            // its Begin was read on this stream, and not its Commit
	open      bool            // some events have numbers, and the commit of their transaction has not been read
	halted    *status.Halt

	behind    bool
	full      bool         // as Full returned last
	keepalive pgoutput.LSN // of the last one
	recent    past.Transactions
	clock     time.Duration // Postgres' clock less ours, measured at each connect
}

// Message takes what the stream decoded.
func (p *pipeline) Message(m pgoutput.Message) error {
	switch m := m.(type) {
	case *pgoutput.Insert:
		return p.insert(m)
	case *pgoutput.LogicalMessage:
		return p.message(m)
	case *pgoutput.Begin:
		p.begin(m)
	case *pgoutput.Commit:
		if m.CommitLSN != p.current.CommitLSN {
			return p.halt(mismatch(p.current.CommitLSN, m.CommitLSN))
		}
		p.inside = false
		p.tracker.Commit(m.EndLSN)
		p.complete(m.EndLSN)
		if m.CommitLSN >= p.read.CommitLSN { // else it was read before the connection was lost, and is skipped
			p.open = false
		}
	case *pgoutput.Update:
		p.observer.ChangeIgnored("update")
	case *pgoutput.Delete:
		p.observer.ChangeIgnored("delete")
	case *pgoutput.Truncate:
		p.observer.ChangeIgnored("truncate")
	}
	return nil
}

func (p *pipeline) begin(m *pgoutput.Begin) {
	p.stats.walProgress.Notify()
	p.current = record.Position{CommitLSN: m.CommitLSN}
	p.committed, p.xid, p.inside = m.CommitTime, m.XID, true
	now := time.Now()
	p.stats.times.Note(p.stats.events.Load()+1, m.CommitTime, now)
	age := now.Sub(m.CommitTime) + p.clock
	p.behind = age > producer.BehindAfter
	p.producer.SetAge(age)
}

func (p *pipeline) insert(m *pgoutput.Insert) error {
	outbox, err := p.isOutbox(m.Relation)
	if err != nil {
		return err
	}
	if !outbox {
		p.observer.ChangeIgnored("insert")
		return nil
	}
	if !p.next() {
		return nil
	}
	return p.routed(p.router.Route(m, p.committed, p.current))
}

// message takes an event that was emitted without a table. A message outside of a
// transaction has no place in the order, and comes even when its sender rolls back.
func (p *pipeline) message(m *pgoutput.LogicalMessage) error {
	if p.prefix == "" || m.Prefix != p.prefix || !m.Transactional {
		p.observer.ChangeIgnored("message")
		return nil
	}
	if !p.next() {
		return nil
	}
	if m.Cut > 0 {
		return p.routed(p.router.RouteHead(m.Content, m.Cut, p.committed, p.current))
	}
	return p.routed(p.router.RouteMessage(m.Content, p.committed, p.current))
}

// next counts an event of the transaction, and reports whether it is new: it is not if it
// was sent before the connection was lost.
func (p *pipeline) next() bool {
	p.current.Ordinal++
	return p.read.Before(p.current)
}

// routed takes what the router made of an event.
func (p *pipeline) routed(rec *record.Record, err error) error {
	if rejection, ok := errors.AsType[*record.Rejection](err); ok {
		return p.reject(rec, rejection)
	}
	switch {
	case err == nil:
		p.accept(rec, false)
	case errors.Is(err, router.ErrLeftOut):
		p.read = p.current
		p.observer.ChangeIgnored("filtered")
	default:
		return p.halt(&status.Halt{
			Code: status.ExitHalted, Reason: "the outbox table does not fit the configuration", Detail: err.Error(),
			Hint: "everything before this row is in Kafka and confirmed: change the file or the table, then start walpost again",
		})
	}
	return nil
}

func (p *pipeline) accept(rec *record.Record, dead bool) {
	n := p.tracker.Event()
	p.stats.events.Store(n)
	if !p.open || p.read.CommitLSN != p.current.CommitLSN {
		p.recent.Note(p.current.CommitLSN, n)
	}
	p.open = true
	p.read = p.current
	if dead {
		p.producer.AddDeadLetter(rec, n, p.current)
	} else {
		p.producer.Add(rec, n, p.current)
	}
	crash.At(crash.Read)
}

// reject applies delivery.on_reject to a row that can never become a record.
func (p *pipeline) reject(rec *record.Record, r *record.Rejection) error {
	p.observer.Rejected(r.Topic, r.Reason)
	if p.rejections.Allow(r.Reason) {
		p.log.Warn("this row can never become a record", zap.String("id", r.ID), zap.String("topic", r.Topic),
			zap.String("reason", r.Reason), zap.String("error", r.Text),
			zap.Stringer("commit_lsn", p.current.CommitLSN), zap.Uint32("ordinal", p.current.Ordinal))
	}
	dead, err := p.letters.Reject(p.onReject, rec, r, p.current, time.Now())
	switch {
	case err != nil:
		return p.halt(p.rejected(r.Topic, r.ID, err.Error()))
	case dead == nil:
		p.read = p.current
	default:
		p.accept(dead, true)
	}
	return nil
}

// rejected is the halt for a record that can never be delivered.
func (p *pipeline) rejected(topic, id, text string) *status.Halt {
	return &status.Halt{
		Code: status.ExitHalted, Reason: "a record was rejected",
		Detail: fmt.Sprintf("event %s, topic %q: %s", id, topic, text),
		Hint:   "fix what the message names and start walpost again" + p.rejectHint,
	}
}

// refused is the halt of the producer: for a record, or for what delivery.on_reject
// cannot decide.
func (p *pipeline) refused(h *producer.Halt) *status.Halt {
	switch {
	case h.Fenced != nil:
		return resume.Fenced(h.Fenced, h.Newest)
	case h.Hint == "":
		return p.rejected(h.Topic, h.ID, h.Text)
	case h.Topic == "":
		return &status.Halt{Code: status.ExitHalted, Reason: "a Kafka transaction cannot be written", Detail: h.Text, Hint: h.Hint}
	}
	return &status.Halt{
		Code: status.ExitHalted, Reason: "Kafka does not accept what walpost sends",
		Detail: fmt.Sprintf("topic %q: %s", h.Topic, h.Text), Hint: h.Hint + "; then start walpost again: nothing is lost",
	}
}

// halt stops the stream here, for good: from now on no transaction is complete.
func (p *pipeline) halt(h *status.Halt) error {
	p.tracker.Freeze()
	p.halted = h
	return h
}

// isOutbox recognises the outbox by its OID. The name is compared when the OID is seen for
// the first time. The same OID under another name later means that the table was renamed.
func (p *pipeline) isOutbox(rel *pgoutput.Relation) (bool, error) {
	named := rel.Name == p.table && rel.Namespace == p.schema
	switch {
	case p.prefix != "":
		return false, nil
	case p.oid == rel.ID && named:
		return true, nil
	case p.oid == rel.ID:
		return false, p.halt(&status.Halt{
			Code: status.ExitHalted, Reason: "the outbox table was renamed",
			Detail: fmt.Sprintf("it is %s.%s now, and outbox.table says %s.%s", rel.Namespace, rel.Name, p.schema, p.table),
			Hint: "everything before this row is in Kafka and confirmed: rename it back, or change outbox.table, " +
				"then start walpost again",
		})
	case p.oid == 0 && named:
		p.oid = rel.ID
		return true, nil
	default:
		return false, nil
	}
}

// Keepalive takes the position up to which the server has decoded.
func (p *pipeline) Keepalive(lsn pgoutput.LSN) {
	if lsn != p.keepalive { // a keepalive that answers a status brings no new LSN
		p.keepalive = lsn
		p.stats.walProgress.Notify()
	}
	if !p.open {
		p.tracker.Keepalive(lsn)
		p.complete(lsn)
	}
}

// Full reports whether reading must pause.
func (p *pipeline) Full() bool {
	full := p.producer.Full() || !p.mayRead()
	if full != p.full {
		p.full = full
		p.stats.fullChanged.Notify()
	}
	return full
}

// Behind reports whether transactions are old when they arrive.
func (p *pipeline) Behind() bool { return p.behind }

// Between reports whether no transaction is read in part.
func (p *pipeline) Between() bool { return !p.open }

// Fault returns the producer's halt, nil while there is none.
func (p *pipeline) Fault() error {
	if p.halted != nil {
		return p.halted
	}
	if h := p.producer.Halted(); h != nil {
		return p.halt(p.refused(h))
	}
	return nil
}

// Confirmed returns what may be confirmed to Postgres, by the laws of checkpoint.
func (p *pipeline) Confirmed() (lsn pgoutput.LSN, settled bool) {
	watermark := p.producer.Watermark()
	lsn = p.tracker.Confirmed(watermark)
	if p.resumer != nil && p.resumed {
		lsn = min(lsn, p.producer.Written())
	}
	p.stats.confirmed.Store(lsn)
	return lsn, watermark > p.stats.events.Load()
}

// Columns returns what to keep of a row that is too long to be held: of the outbox what a
// record is made from, of other tables nothing.
func (p *pipeline) Columns(rel *pgoutput.Relation) []int {
	if p.prefix != "" || rel.ID != p.oid && (rel.Name != p.table || rel.Namespace != p.schema) {
		return nil
	}
	return p.router.Columns(rel)
}

// Content returns how many bytes a logical message may have to become a record.
func (p *pipeline) Content(prefix string, transactional bool) int {
	if p.prefix == "" || prefix != p.prefix || !transactional {
		return 0
	}
	return p.router.Content()
}

// mayRead reports whether the stream may be read: not before it is known where the events
// in Kafka end.
func (p *pipeline) mayRead() bool {
	if p.resumer == nil || p.resumed {
		return true
	}
	at := p.resumer.Found()
	if at == nil {
		return false
	}
	p.read, p.resumed = *at, true
	return true
}

// complete tells the producer that every event up to lsn was added.
func (p *pipeline) complete(lsn pgoutput.LSN) {
	if p.resumer != nil && p.halted == nil {
		p.producer.Complete(lsn)
	}
}
