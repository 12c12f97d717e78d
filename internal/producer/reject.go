package producer

import (
	"fmt"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/dlt"
	"github.com/walpost/walpost/internal/producer/answer"
	"github.com/walpost/walpost/internal/producer/batch"
	"github.com/walpost/walpost/internal/producer/transaction"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/safetext"
)

// Halt is why the producer cannot continue without an operator.
type Halt struct {
	Topic  string
	ID     string
	Reason string
	Text   string
	Hint   string // how to fix it; "": it is a record, and delivery.on_reject could decide
	Fenced *transaction.FencedError
	Newest []byte // after Fenced: the newest position, if another relay has written it
}

func (h *Halt) Error() string {
	if h.ID == "" {
		return fmt.Sprintf("topic %q: %s", h.Topic, h.Text)
	}
	return fmt.Sprintf("topic %q, event %s: %s", h.Topic, h.ID, h.Text)
}

// Halted returns why the producer cannot continue, or nil. What can be delivered still is.
func (p *Producer) Halted() *Halt {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.halted
}

func (p *Producer) halt(h *Halt) {
	if p.halted == nil {
		p.halted = h
		p.log.Error("halting: an operator must decide", zap.String("topic", h.Topic), zap.String("id", h.ID),
			zap.String("reason", h.Reason), zap.String("error", h.Text))
	}
}

// splitOrReject halves a head that is refused as too large or invalid, down to the one
// record at fault: that one follows the policy.
func (p *Producer) splitOrReject(pt *partition, a answer.Answer) {
	b := pt.head
	if b.Count > 1 {
		if a.Class == answer.TooLarge {
			pt.topic.limit = max(min(pt.topic.limit, b.Size/2), 1<<10) // else every batch is split
		}
		p.split(pt, b.Count/2)
		return
	}
	if a.Class == answer.TooLarge && b.Head().IsDeadLetter() && p.shorten(pt) {
		return
	}
	reason, text := record.ReasonInvalidRecord, "Kafka refuses the record: "+a.Text
	switch a.Class {
	case answer.InvalidTime:
		reason, text = record.ReasonTimestamp, a.TooOld()
	case answer.TooLarge:
		reason = record.ReasonTooLarge
		text = fmt.Sprintf("a record of %d bytes is larger than the topic's max.message.bytes allows: raise it there, or see "+
			"delivery.on_reject (%s)", b.Size, a.Text)
	default: // the record itself
	}
	p.reject(pt, reason, text)
}

// shorten replaces a head of one dead letter, which is too large for its topic, by a
// shorter form of it, and reports whether there is one: a record that was given up must
// not block others by its size. It takes the same sequence, as a half of a split does.
func (p *Producer) shorten(pt *partition) bool {
	b := pt.head
	old := b.Head()
	rec, ok := record.Shorter(old.Record(pt.topic.name))
	if !ok {
		return false
	}
	m := old.Meta()
	m.Size = int32(batch.WireSize(rec))
	pt.head = p.memory.Replace(b, rec, &m)
	if p.lines.Allow("shorter " + pt.topic.name) {
		p.log.Warn("a dead letter is larger than its topic takes: it goes without what its header says", zap.String("topic", pt.topic.name),
			zap.Int("bytes", b.Size), zap.String("header", dlt.HeaderIncomplete),
			zap.Stringer("commit_lsn", old.Position().CommitLSN))
	}
	if pt.tail == b {
		pt.tail = pt.head
	}
	p.memory.Free(b)
	return true
}

// reject applies the policy to every record of the head. The head, and with it the
// watermark, stays where it is until its dead letters are acknowledged. A rejected head
// uses up no sequence.
func (p *Producer) reject(pt *partition, reason, text string) {
	b := pt.head
	b.Sealed = true
	for rec := range b.All() {
		r := p.rejected(pt, rec, reason, text)
		switch {
		case p.opts.OnReject == record.RejectSkip && !rec.IsDeadLetter():
		case p.opts.OnReject == record.RejectDeadLetter && !rec.IsDeadLetter() && p.writeDeadLetter(pt, rec, r):
		default:
			pt.blocked = awaitingHalt
			p.halt(&Halt{Topic: r.Topic, ID: r.ID, Reason: r.Reason, Text: r.Text})
			return
		}
	}
	if pt.blocked == notBlocked {
		p.drop(pt)
		p.headLeft(pt)
		p.vacate(pt)
	}
}

func (p *Producer) rejected(pt *partition, rec batch.Packed, reason, text string) *record.Rejection {
	r := &record.Rejection{Topic: pt.topic.name, Reason: reason, Text: safetext.TruncateText(text)}
	if h := rec.Record(r.Topic).Headers; len(h) > 0 {
		r.ID = safetext.TruncateName(h[0].Value)
	}
	p.opts.Observer.Rejected(r.Topic, reason)
	p.logRejected(r, rec.Position())
	return r
}

// writeDeadLetter queues the dead letter of a record of the head, and reports whether it
// could. It takes the newest event number: numbers must rise within a queue, and the
// original at its own head holds the watermark.
func (p *Producer) writeDeadLetter(pt *partition, rec batch.Packed, r *record.Rejection) bool {
	dead, err := p.opts.DeadLetterOf(rec.Record(pt.topic.name), r, rec.Position())
	if err != nil || dead.Topic == pt.topic.name {
		p.log.Error("the dead letter cannot be written: see delivery.dead_letter", zap.String("topic", r.Topic), zap.Error(err))
		return false
	}
	pt.blocked = awaitingDeadLetter
	pt.head.OpenDeadLetters++
	p.add(dead, batch.Meta{
		Event: p.lastEvent, Position: rec.Position(), Partition: -1, Cause: int32(pt.queue), IsDeadLetter: true, Group: pt.head.Group,
	})
	return true
}

// deadLetterAcked drops the head of a queue when the last of its dead letters is
// acknowledged.
func (p *Producer) deadLetterAcked(pt *partition) {
	b := pt.head
	if b.OpenDeadLetters--; b.OpenDeadLetters > 0 || pt.blocked != awaitingDeadLetter {
		return
	}
	pt.blocked = notBlocked
	p.drop(pt)
	p.headLeft(pt)
	p.vacate(pt)
	p.schedule(pt)
}
