package config

import (
	"strings"
)

// Page writes docs/configuration.md from the definition. It is compiled for
// tests only; the file of the project is kept in step by TestPage.
func Page(smallest, defaults, faulty, faults string) string {
	var out strings.Builder
	write := func(lines ...string) { out.WriteString(strings.Join(lines, "\n") + "\n") }
	write(
		"# Configuration",
		"",
		"<!-- Written by `go test ./internal/config -update`. Change the definition in internal/config, not this page. -->",
		"",
		"One YAML file configures one relay: one database, one outbox table, one Kafka cluster. This is a whole one:",
		"",
		"```yaml", strings.TrimSpace(smallest), "```",
		"",
		"Everything else has a default. `walpost config print -c FILE` shows the effective configuration with secrets masked, `walpost config schema` the JSON Schema",
		"for editors, and `walpost check -c FILE` tries it out.",
		"",
		"## Faults",
		"",
		"The file is strict: an unknown key, a duplicate key, a wrong type or value, a missing variable or a contradiction is refused with exit code 2, all faults at once.",
		"So this file",
		"",
		"```yaml", strings.TrimSpace(faulty), "```",
		"",
		"is answered with",
		"",
		"```", strings.TrimSpace(faults), "```",
		"",
		"A file holds one document. Anchors and aliases work for values; merge keys (`<<`) are refused.",
		"",
		"## References",
		"",
		"Every value, also a number, a boolean or an item of a list, may hold references. They are expanded after the YAML is parsed, so that a password with a `#` or a",
		"colon stays what it is, and what they give is not expanded again. Between `[ ]` and `{ }` they go in quotes.",
		"",
		"| written | gives |",
		"|---|---|",
		"| `${NAME}` | the environment variable, which must be set |",
		"| `${NAME:-default}` | the same, or the default where it is unset or empty |",
		"| `${file:/path}` | the content of the file |",
		"| `$${` | a literal `${` |",
		"",
		"Line ends at the end of what a reference gives, and a byte order mark at its beginning, are cut. A blank there is a fault.",
		"",
		"Secrets (`postgres.url`, passwords, tokens) are expanded again at each use, so that a rotated file needs no restart. They appear in no log, message, metric or printed",
		"configuration.",
		"",
		"## Types",
		"",
		"| type | is |",
		"|---|---|",
		"| duration | a number with its unit, as in Go: `500ms`, `60s`, `1m30s` |",
		"| size | a whole number with `B`, `KiB`, `MiB`, `GiB` (multiples of 1024), `KB`, `MB`, `GB` (of 1000); without a unit, bytes |",
		"| column | the name as Postgres shows it, without quotes |",
		"| template | text with columns in braces: `outbox.event.{aggregatetype}` |",
		"| glob | `*` any characters, `?` one, `[a-z]` one of a set, `\\` takes the meaning from the next |",
		"",
		"## Keys",
		"",
	)
	root := definition()
	writeKeys(write, &root, "", "")
	write(
		"## All of it",
		"",
		"What `walpost config print` shows of the small file above (`kafka.tls` and `kafka.sasl` show when they are there):",
		"",
		"```yaml", strings.TrimSpace(defaults), "```",
		"",
		"## Several files",
		"",
		"`-c` may be repeated or name a folder, whose `*.yaml` and `*.yml` files are read in the order of their names: one relay per file, in one process. Each has its own `name`",
		"and, on one server, its own slot. `admin.listen` must be the same in all files that have it. A fault in one file refuses all.",
	)
	return out.String()
}

// writeKeys writes the table of one section, then its sections.
func writeKeys(write func(...string), k *key, path, about string) {
	if path != "" {
		write("### "+path, "", about, "")
	}
	var sections []*key
	started := false
	for i := range k.keys {
		child := &k.keys[i]
		if child.value == nil {
			sections = append(sections, child)
			continue
		}
		if !started {
			write("| key | type | default | |", "|---|---|---|---|")
			started = true
		}
		fallback := "`" + child.fallback + "`"
		switch {
		case child.required:
			fallback = "required"
		case child.derived != "":
			fallback = "`" + child.derived + "`"
		}
		write("| `" + child.name + "` | " + child.value.words() + " | " + fallback + " | " + strings.ReplaceAll(child.about, "|", `\|`) + " |")
	}
	if started {
		write("")
	}
	for _, section := range sections {
		writeKeys(write, section, join(path, section.name), section.about)
	}
}
