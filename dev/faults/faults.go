// Package faults shows that walpost keeps its promises while Postgres, Kafka and the
// ways to them fail: each test is named after its row of the matrix in docs/faults.md, and
// pulls one plug on real servers.
//
// It knows the relay from outside: a configuration, a state, a report, an end. What
// it judges by is not walpost's word but the table and the topic (package oracle)
// and the slot as Postgres shows it. What takes long has the build tag faults.
package faults
