package config

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// secretValue is a Secret: it keeps its references, and no message shows it.
type secretValue struct {
	at    func(*Config) *Secret
	check func(text string) error // of the expanded text; nil: anything goes
	mask  func(Secret) string     // how it is printed; nil: ***
	form  schema
	kind  string
}

func (s secretValue) read(r *reader, path string, n node) {
	text, ok := r.scalar(path, n, "text", textTags()...)
	if !ok {
		return
	}
	if s.check != nil {
		if err := s.check(text); err != nil {
			r.fault(n.at, path, "%v", err)
			return
		}
	}
	// An empty file or variable is a deployment that went wrong; who means it
	// writes ${NAME:-}.
	if text == "" && n.Value != "" && !strings.Contains(n.Value, ":-") {
		r.fault(n.at, path, "the reference gives an empty text; ${NAME:-} allows that")
		return
	}
	*s.at(r.cfg) = Secret{raw: n.Value}
}

func (s secretValue) schema() schema {
	if s.form == nil {
		return schema{"type": "string"}
	}
	return orReference(s.form)
}

func (s secretValue) print(c *Config) *yaml.Node {
	secret := *s.at(c)
	shown := secret.String()
	if s.mask != nil {
		shown = s.mask(secret)
	}
	return scalarNode("!!str", shown)
}

func (s secretValue) words() string { return s.kind }

// maskURL shows a Postgres URL without its passwords; *** when it is not one
// that could be parsed.
func maskURL(s Secret) string {
	text, err := s.Reveal()
	if err != nil {
		return masked
	}
	parts, err := splitURL(text)
	if err != nil {
		return s.String()
	}
	var out strings.Builder
	out.WriteString(parts.scheme)
	if parts.hasUser {
		user, _, hasPassword := strings.Cut(parts.user, ":")
		out.WriteString(user)
		if hasPassword {
			out.WriteString(":" + masked)
		}
		out.WriteByte('@')
	}
	out.WriteString(parts.hosts)
	out.WriteString(parts.path)
	for i, parameter := range parts.parameters {
		out.WriteByte("?&"[min(i, 1)])
		out.WriteString(maskParameter(parameter))
	}
	return out.String()
}

// maskParameter shows a parameter of a URL, and *** for the value of a password.
func maskParameter(parameter string) string {
	written, value, _ := strings.Cut(parameter, "=")
	if strings.Contains(parameterName(parameter), "password") {
		value = masked
	}
	return written + "=" + value
}
