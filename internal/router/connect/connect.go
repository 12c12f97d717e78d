// Package connect answers how Kafka Connect sees a column, and writes it with the bytes of
// Kafka's JsonConverter: the schema that Debezium's Postgres connector gives a column, its
// default, its value, and the payload that Debezium's EventRouter expands.
//
// It knows types and texts of Postgres. It must not know tables, rows nor records.
package connect
