// Package provision creates and drops slot and publication, and prunes the table.
package provision
