package kafka

import (
	"fmt"
	"strings"
)

// Grant returns the command that gives this principal rights.
func (o Options) Grant(resource, name string, operations ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "kafka-acls.sh --bootstrap-server %s --add --allow-principal %s", o.Brokers[0], ShellWord(o.Principal()))
	for _, op := range operations {
		b.WriteString(" --operation " + op)
	}
	b.WriteString(" --" + resource)
	if name != "" {
		b.WriteString(" " + ShellWord(name))
	}
	return b.String()
}

// ShellWord returns a text quoted so that it is one word to a shell.
func ShellWord(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune(shellPlain, r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

const shellPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:/@="
