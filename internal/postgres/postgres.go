// Package postgres connects to a server: addresses, TLS, the settings of a session, and
// errors in words.
package postgres
