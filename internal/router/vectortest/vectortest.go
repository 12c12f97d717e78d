// Package vectortest reads the test vectors made with Debezium
// (testdata/vectors) for the tests of the router and of the whole path: what
// went in, what Debezium made of it, and whether walpost is to make the same.
//
// It knows Debezium's options and the router's mapping. It must not know how
// rows come to the router.
package vectortest
