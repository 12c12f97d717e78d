// Package catalog reads what is there in a database: table, publication, slot, writers.
// It changes nothing.
package catalog
