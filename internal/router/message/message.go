// Package message reads the JSON of an event that comes as a logical message, without a
// table. Its strings are checked and unescaped in place.
package message
