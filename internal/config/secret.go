package config

import (
	"fmt"
	"io"
)

// masked is what is printed in the place of a secret.
const masked = "***"

// Secret is a value that is never printed. It keeps the text of the file with
// its references ${NAME}, ${NAME:-default} and ${file:/path}, so that a password
// that is rotated in a file is seen at the next use.
//
// Every way of printing it (fmt, JSON, YAML) gives ***, or nothing for one that
// is not set.
type Secret struct {
	raw string
}

// NewSecret returns a Secret for a text that may hold references.
func NewSecret(text string) Secret { return Secret{raw: text} }

// Reveal expands the references now: files are read again. The error names the variable or file, never a value.
func (s Secret) Reveal() (string, error) { return expand(s.raw) }

// IsZero reports whether the secret is not set.
func (s Secret) IsZero() bool { return s.raw == "" }

// String returns ***, or "" for a secret that is not set.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return masked
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// Format is String for every verb.
func (s Secret) Format(f fmt.State, _ rune) {
	// The state of a print has nowhere to report a failed write to.
	_, _ = io.WriteString(f, s.String())
}

// MarshalText is String, for encoders of text and of JSON keys.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON is String as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// MarshalYAML is String.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }
