// Package kafka holds connections to a cluster: their settings, TLS and SASL, the
// versions of the requests that walpost sends, and what an error means in words.
//
// It knows sarama and Kafka's protocol. It must not know the configuration file
// beyond the names of its keys, nor Postgres, nor how records are sent.
package kafka
