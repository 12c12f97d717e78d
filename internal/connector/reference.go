package connector

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	// As in Kafka's ConfigTransformer: ${provider:[path:]key}; here also ${NAME}, the variable of a template.
	connectReference = regexp.MustCompile(`\$\{([^}:]*)(?::([^}]*))?\}`)
	variableName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// piece is a part of a value: a text, or a reference of walpost's.
type piece struct{ text, reference string }

// pieces translates the references of a value.
func (m *importer) pieces(o option) []piece {
	var all []piece
	end := 0
	for _, at := range connectReference.FindAllStringSubmatchIndex(o.Value, -1) {
		name, tail, hasTail := o.Value[at[2]:at[3]], "", at[4] >= 0
		if hasTail {
			tail = o.Value[at[4]:at[5]]
		}
		if translated := m.reference(o, name, tail, hasTail); translated != "" {
			all = append(all, piece{text: o.Value[end:at[0]]}, piece{reference: translated})
			end = at[1]
		}
	}
	all = append(all, piece{text: o.Value[end:]})
	return slices.DeleteFunc(all, func(p piece) bool { return p == piece{} })
}

// reference translates one reference, or returns "" for what is none.
func (m *importer) reference(o option, name, tail string, hasTail bool) string {
	if m.src.Server {
		return serverReference(name, tail, hasTail)
	}
	where, key := cutLast(tail)
	switch provider := strings.ToLower(name); {
	case !hasTail && variableName.MatchString(name):
		m.look(o, "${%s} is the variable of a template: walpost reads it from the environment", name)
		return "${" + name + "}"
	case !hasTail:
		return ""
	case strings.Contains(provider, "env") && variableName.MatchString(key):
		return "${" + key + "}"
	case strings.HasPrefix(provider, "dir"):
		return "${file:" + path.Join(where, key) + "}"
	}
	variable := m.variable(o)
	m.look(o, "its value stands in %s of the config provider %s, which walpost does not have: give it as the environment variable %s, "+
		"or write ${file:/path} of a file with nothing else in it", tail, name, variable)
	m.result.handover.set(variable)
	return "${" + variable + "}"
}

// serverReference translates a reference of Debezium Server, where ${NAME:default} is a variable of the environment.
func serverReference(name, fallback string, hasFallback bool) string {
	name = strings.ToUpper(strings.Map(func(r rune) rune {
		if r == '.' || r == '-' {
			return '_'
		}
		return r
	}, name))
	switch {
	case !variableName.MatchString(name):
		return ""
	case hasFallback:
		return fmt.Sprintf("${%s:-%s}", name, fallback)
	}
	return "${" + name + "}"
}

// cutLast cuts path:key at the last colon.
func cutLast(text string) (before, after string) {
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return "", text
	}
	return text[:at], text[at+1:]
}

// variable returns a name for an environment variable that is not taken yet.
func (m *importer) variable(o option) string {
	raw, _, _ := strings.Cut(o.Raw, " ")
	raw = strings.TrimPrefix(strings.TrimPrefix(raw, "debezium.source."), "debezium.sink.kafka.")
	base := strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(raw))
	if m.variables == nil {
		m.variables = map[string]bool{}
	}
	name := base
	for n := 2; m.variables[name]; n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	m.variables[name] = true
	return name
}

// text is a value for the file: references translated, other ${ escaped.
func (m *importer) text(o option) string {
	return m.textWith(o, func(text string) string { return text })
}

// textWith is text with the literal parts encoded.
func (m *importer) textWith(o option, encode func(string) string) string {
	var out strings.Builder
	for _, p := range m.pieces(o) {
		out.WriteString(p.reference)
		out.WriteString(escape(encode(p.text)))
	}
	return out.String()
}

// escape writes a text so that walpost does not take it for a reference.
func escape(text string) string { return strings.ReplaceAll(text, "${", "$${") }

// secret is a value that never stands in the file: a reference, made if there is none.
func (m *importer) secret(o option) string {
	all := m.pieces(o)
	if len(all) == 1 && all[0].reference != "" && !strings.Contains(all[0].reference, ":-") {
		return all[0].reference
	}
	return m.hide(o, m.variable(o))
}

// hide gives a secret that stands in the source as an environment variable.
func (m *importer) hide(o option, variable string) string {
	m.result.handover.set(variable)
	m.look(o, "the secret is not copied: give it as the environment variable %s, or write ${file:/path} of a file with it", variable)
	return "${" + variable + "}"
}
