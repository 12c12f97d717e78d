// Package examples runs the examples of the modules under pkg/ on real servers. It knows their
// files, and must not know what they show.
package examples
