// Package admin is the HTTP server of the process: health, readiness, metrics.
//
// It reads and never changes anything: there is no call that does. It knows HTTP
// and what a relay says of itself; it must not know Postgres or Kafka.
package admin
