package republish

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// reject applies delivery.on_reject to a row that can never become a record.
func (p *Publisher) reject(rec *record.Record, r *record.Rejection) error {
	dead, err := p.deadLetters.Reject(p.policy, rec, r, p.position, time.Now())
	switch {
	case err != nil:
		return p.rejected(r.ID, r.Topic, err.Error())
	case dead == nil:
		p.skipped++
	default:
		p.dead++
		p.events++
		p.producer.AddDeadLetter(dead, p.events, p.position)
	}
	return nil
}

func (p *Publisher) rejected(id, topic, text string) error {
	return &status.Halt{
		Code: status.ExitHalted, Reason: "a record was rejected, and nothing was changed of the slot",
		Detail: fmt.Sprintf("event %s, topic %q: %s", id, topic, text),
		Hint:   "fix what the message names, then run " + p.options.Command + " again" + wiring.RejectHint(p.policy),
	}
}

// halted returns why the producer cannot go on, or nil.
func (p *Publisher) halted() error {
	h := p.producer.Halted()
	switch {
	case h == nil:
		return nil
	case h.Hint == "":
		return p.rejected(h.ID, h.Topic, h.Text)
	}
	return &status.Halt{
		Code: status.ExitHalted, Reason: "Kafka does not accept what walpost sends, and nothing was changed of the slot",
		Detail: fmt.Sprintf("topic %q: %s", h.Topic, h.Text), Hint: h.Hint + "; then run " + p.options.Command + " again",
	}
}

// counter counts the records that Kafka refused.
type counter struct {
	producer.NopObserver
	records atomic.Int64
}

// Rejected counts a record.
func (c *counter) Rejected(string, string) { c.records.Add(1) }
