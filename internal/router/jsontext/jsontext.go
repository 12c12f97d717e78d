// Package jsontext reads the members of a JSON object from its text: names and strings
// unescaped, whatever else as it is written. It makes no values, and copies what has escapes
// alone.
//
// It knows JSON. It must not know what the text is for.
package jsontext
