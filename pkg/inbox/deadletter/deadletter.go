// Package deadletter lists the dead letters of pkg/inbox and of walpost's relay, puts them
// back to the topics that they came from, or discards them. It is for tools: a service
// that consumes events does not need it.
//
//	result, err := deadletter.Redrive(ctx, deadletter.Config{
//		Brokers: []string{"localhost:9092"},
//		Topic:   "outbox.event.order.DLT",
//		Match:   func(r *deadletter.Record) bool { return r.Group == "payments" },
//	})
//
// What has been done with a dead letter is remembered by a mark in the dead letter topic
// itself: a record of the same partition, without key and value. Marked dead letters are
// left out from then on. Kafka cannot take a record out of the middle of a topic: it stays
// readable until retention takes it, or [Config.Remove].
//
// Records of other programs in the dead letter topic are passed over, and counted in
// [Result.Foreign].
package deadletter

import (
	"crypto/tls"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox"
)

// Config says which dead letters are meant, for [List], [Redrive] and [Discard]. Brokers
// and Topic are required.
type Config struct {
	// Brokers are addresses of Kafka to begin with, host:port.
	Brokers []string
	// TLS and SASL are as in inbox.Config.
	TLS  *tls.Config
	SASL *inbox.SASL
	// Topic is the dead letter topic, by its full name.
	Topic string

	// Match chooses among the dead letters. Nil chooses all.
	Match func(*Record) bool
	// Handled includes dead letters that were redriven or discarded before.
	Handled bool
	// Each is called for each dead letter that matches, before anything is done with it.
	// Its error ends the call. May be nil.
	Each func(*Record) error

	// DryRun writes and removes nothing.
	DryRun bool
	// Remove deletes from the dead letter topic what has been handled, from the oldest
	// record of a partition up to the first that has not been, or that is not a dead
	// letter: Kafka can delete in no other way. Without it the records stay as long as the
	// topic keeps them. List removes nothing.
	Remove bool

	// To reports whether Redrive may put dead letters back to a topic, which a header of
	// theirs names. Nil allows X alone, where Topic is X.DLT.
	To func(topic string) bool
	// Stays is called for each dead letter that Redrive leaves where it is; its field Stays
	// says why. It is called instead of Each, or after Each when Kafka has refused the
	// record. Its error ends the call. May be nil.
	Stays func(*Record) error

	// IDHeader and TypeHeader are as in inbox.Config.
	IDHeader, TypeHeader string
	// ConfigureSarama is as in inbox.Config: it follows sarama's versions, and is no part of
	// what this package promises. May be nil.
	ConfigureSarama func(*sarama.Config)
}

// Result is what a call found and did; with Config.DryRun, what it found.
type Result struct {
	Read    int             // dead letters of the topic, handled ones included
	Matched int             // of these, those that match
	Foreign int             // records that do not say where they were: they are of other programs
	Marked  int             // as redriven or discarded; acknowledged by Kafka
	Removed map[int32]int64 // by partition: everything below this offset
}

// RedriveResult is what Redrive found and did. What matches is sent, or stays.
type RedriveResult struct {
	Result

	Sent map[string]int // by topic; acknowledged by Kafka

	// Those that stay where they are, by Record.Stays.
	NotAllowed, Gone, Refused int
}
