// Package relaytest runs a relay within a test, from a configuration as `run` would read it. A Harness is one on real
// servers, with a database and topics of its own; Run is for servers that a test plays. It has the outbox table and the
// events that tests of several packages write, and compares what was committed with what is in Kafka. It knows a relay
// by its exported names only; what a test asks of it is the test's own matter.
package relaytest
