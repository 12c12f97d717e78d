package record

import (
	"fmt"
	"time"
)

// RejectPolicy is delivery.on_reject: what becomes of a row that can never become a
// record, or of a record that Kafka can never accept.
type RejectPolicy uint8

// The policies, as delivery.on_reject names them.
const (
	RejectStop RejectPolicy = iota
	RejectDeadLetter
	RejectSkip
)

// Reject applies a policy to a row that can never become a record. It returns the dead
// letter to publish instead of rec, or nil when the row is left out. An error, whose text
// says what is wrong with the row, is the end: nothing may go on without it.
func (d *DeadLetters) Reject(policy RejectPolicy, rec *Record, rej *Rejection, pos Position, at time.Time) (*Record, error) {
	switch policy {
	case RejectSkip:
		return nil, nil //nolint:nilnil // nothing takes the row's place
	case RejectDeadLetter:
		dead, err := d.Record(rec, rej, pos, at)
		if err != nil {
			return nil, fmt.Errorf("%w; and its dead letter cannot be written: %w", rej, err)
		}
		return dead, nil
	default:
		return nil, rej
	}
}
