// Package devstacktest gives tests real servers: a Stack has one Postgres and one Kafka that all tests of a package
// share, each with a database and topics of its own; StartPostgres and StartKafka give a test servers that it may
// break. Start runs a program beside the test, and Await waits for what servers and programs do. It knows package
// testing, which devstack must not, since the demo uses that; like devstack it must not know walpost.
package devstacktest
