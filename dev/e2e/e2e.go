// Package e2e holds tests of the whole path: walpost as a process of its own,
// between a real Postgres and a real Kafka, judged by what a user sees: records,
// positions of the slot, exit codes, the admin server.
//
// It knows the command line, the configuration file and the devstack. It must
// not know how a relay works inside.
package e2e
