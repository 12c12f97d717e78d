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

// Config says which dead letters [List], [Redrive] and [Discard] handle, and how. Brokers and
// Topic are required.
type Config struct {
	// Brokers are addresses of Kafka to begin with, host:port.
	Brokers []string
	// TLS and SASL are as in inbox.Config.
	TLS  *tls.Config
	SASL *inbox.SASL
	// Topic is the dead letter topic, by its full name.
	Topic string

	// Match reports whether a dead letter is to be handled. Nil handles all.
	Match func(*Record) bool
	// Handled includes dead letters that were redriven or discarded before. By default they
	// are left out.
	Handled bool
	// Each is called for each dead letter that matches, before anything is done with it.
	// Its error ends the call. May be nil.
	Each func(*Record) error

	// DryRun writes and removes nothing.
	DryRun bool
	// Remove deletes handled dead letters from the dead letter topic, in each partition from
	// the oldest record up to the first that has not been handled or is not a dead letter:
	// Kafka deletes only the beginning of a partition. Without Remove the records stay for as
	// long as the topic keeps them. List removes nothing.
	Remove bool

	// To reports whether Redrive may write to this topic, which a header of the dead letter
	// names. Nil allows one topic: X, where Topic is X.DLT.
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
	Matched int             // those that match; handled ones only with Config.Handled
	Foreign int             // records of other programs: they do not name the topic of their record
	Marked  int             // dead letters that were marked as redriven or discarded; acknowledged by Kafka
	Removed map[int32]int64 // by partition: records below this offset were deleted
}

// RedriveResult is what Redrive found and did. What matches is sent, or stays.
type RedriveResult struct {
	Result

	Sent map[string]int // records put back, by topic; acknowledged by Kafka

	// NotAllowed, Gone and Refused count dead letters that stay, with ErrTopic, ErrGone and
	// ErrRefused in Record.Stays.
	NotAllowed, Gone, Refused int
}
