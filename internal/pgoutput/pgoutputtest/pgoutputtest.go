// Package pgoutputtest builds the messages of pgoutput, for tests: of the
// decoder, of what reads from it, and for a walsender that follows a script.
//
// It knows the protocol as the documentation describes it and shares no code
// with the decoder. It must not be used outside of tests.
package pgoutputtest
