// Package handover shows that a slot passes from Debezium's connector to walpost and back while events are written: nothing
// is lost, each key stays in order, what comes again is what docs/debezium.md says, and the records of both are equal byte
// for byte, in each format. Its tests run the real connector in Kafka Connect, and have the build tag faults.
package handover
