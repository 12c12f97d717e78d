// Package position is where a relay with delivery.guarantee: exactly_once stands: a record
// in a compacted topic, written in the same Kafka transaction as the events up to it.
//
// It knows the record, how the newest one is found, and when it fits a slot. It must not
// know how transactions are written, nor the relay.
package position

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/read"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
)

// Position is how far the events of a slot are in Kafka.
type Position struct {
	// Event is the last event that is there. An event that follows it in the stream is not.
	Event record.Position
	// Complete is an LSN up to which no event is missing: the slot is never confirmed beyond it.
	Complete pgoutput.LSN
	System   string // system identifier of the server
	Timeline int32  // that the LSNs are of
	Slot     string
	Source   string // the table, or the prefix of messages, whose events the ordinal counts
	Host     string // of the relay that wrote it
}

// form is the record's value.
type form struct {
	Version  int    `json:"version"`
	Slot     string `json:"slot"`
	System   string `json:"system"`
	Timeline int32  `json:"timeline"`
	Commit   string `json:"commit_lsn"`
	Ordinal  uint32 `json:"ordinal"`
	Complete string `json:"complete_lsn"`
	Source   string `json:"source"`
	Host     string `json:"host"`
}

// version is that of the form. A relay does not go on from one that it does not know.
const version = 1

// Value returns the record's value. Equal positions have equal values.
func (p Position) Value() []byte {
	value, err := json.Marshal(form{
		Version: version, Slot: p.Slot, System: p.System, Timeline: p.Timeline, Commit: p.Event.CommitLSN.String(),
		Ordinal: p.Event.Ordinal, Complete: p.Complete.String(), Source: p.Source, Host: p.Host,
	})
	if err != nil {
		panic(err) //nolint:forbidigo // strings and numbers always have a form in JSON
	}
	return value
}

// Parse reads a record's value.
func Parse(value []byte) (Position, error) {
	var f form
	if err := json.Unmarshal(value, &f); err != nil {
		return Position{}, fmt.Errorf("it is not a position: %w", err)
	}
	if f.Version != version {
		return Position{}, fmt.Errorf("its version is %d, and this walpost knows %d", f.Version, version)
	}
	commit, err := pgoutput.ParseLSN(f.Commit)
	if err != nil {
		return Position{}, fmt.Errorf("it is not a position: %w", err)
	}
	complete, err := pgoutput.ParseLSN(f.Complete)
	if err != nil {
		return Position{}, fmt.Errorf("it is not a position: %w", err)
	}
	p := Position{
		Event: record.Position{CommitLSN: commit, Ordinal: f.Ordinal}, Complete: complete,
		System: f.System, Timeline: f.Timeline, Slot: f.Slot, Source: f.Source, Host: f.Host,
	}
	return p, nil
}

// Log is where positions are kept.
type Log struct {
	Topic string
	ID    string // transactional id: the key of the records
}

// Record returns the record of a position.
func (l Log) Record(p Position, millis int64) *record.Record {
	return &record.Record{Topic: l.Topic, Key: []byte(l.ID), Value: p.Value(), Timestamp: millis, Partition: 0}
}

// OpenError is a position that stands in a transaction that is open. After this relay has
// begun an epoch, such a transaction is another relay's.
type OpenError struct{ Host string } // that wrote it, "" if it is not known

func (e *OpenError) Error() string { return "a transaction with a newer position is open" }

// DeniedError is a topic of positions that may not be read.
type DeniedError struct {
	Topic, Principal string
	Hint             string // the command that grants it
}

// Error names the right.
func (e *DeniedError) Error() string {
	return e.Principal + " may not read topic " + e.Topic + ": it needs Read and Write: " + e.Hint
}

// Newest returns the value of the newest position, nil when there is none. With an
// *OpenError it is the one in the open transaction.
func (l Log) Newest(ctx context.Context, o kafka.Options) ([]byte, error) {
	client, err := kafka.NewReadClient(o)
	if err != nil {
		return nil, err
	}
	defer client.Close() //nolint:errcheck // it was read from only
	found, err := findNewest(ctx, read.Partition{Client: client, Topic: l.Topic}, []byte(l.ID))
	if errors.Is(err, sarama.ErrTopicAuthorizationFailed) {
		return nil, &DeniedError{l.Topic, o.Principal(), o.Grant("topic", l.Topic, "Read", "Write")}
	}
	if err != nil {
		return nil, o.Explain("read the position in topic "+l.Topic, err)
	}
	if found.open {
		return found.undecided, &OpenError{HostOf(found.undecided)}
	}
	return found.value, nil
}

// HostOf returns the host that wrote a position, "" where that is not known.
func HostOf(value []byte) string {
	p, err := Parse(value)
	if err != nil {
		return ""
	}
	return p.Host
}
