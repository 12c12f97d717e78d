// Package libraries holds the tests of the modules under pkg/ that need servers or other
// modules: a test in a module would add what it imports to the module's requirements. It
// knows what the modules export.
package libraries
