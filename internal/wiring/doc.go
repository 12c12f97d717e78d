// Package wiring turns a configuration into the options of the other packages. It is
// the only one that knows both sides.
package wiring
