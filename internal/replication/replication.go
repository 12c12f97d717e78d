// Package replication owns the one connection that streams: from START_REPLICATION to
// the standby status.
//
// It must not know Kafka, the router or the configuration file.
package replication
