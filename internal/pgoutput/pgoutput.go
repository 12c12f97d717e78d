// Package pgoutput decodes the messages of Postgres' logical decoding output
// plugin pgoutput, protocol version 1 ("Logical Replication Message Formats" in
// the Postgres documentation).
//
// It knows bytes and nothing else: no I/O, no time, no Kafka. Every read is
// bounds-checked, no input makes it panic, and a message it does not know is an
// error, never skipped.
package pgoutput
