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
		"One YAML file configures one relay: one database, one outbox table, one Kafka cluster. A complete file:",
		"",
		"```yaml", strings.TrimSpace(smallest), "```",
		"",
		"Everything else has a default.",
		"",
		"* `walpost config print -c FILE` prints the effective configuration, with secrets masked.",
		"* `walpost config schema` prints the JSON Schema for editors.",
		"* `walpost check -c FILE` checks the file against Postgres and Kafka.",
		"",
		"## Faults",
		"",
		"walpost refuses a file with an unknown key, a duplicate key, a wrong type or value, a missing variable or a contradiction. It "+
			"reports all faults at once and",
		"ends with exit code 2. For this file",
		"",
		"```yaml", strings.TrimSpace(faulty), "```",
		"",
		"it reports",
		"",
		"```", strings.TrimSpace(faults), "```",
		"",
		"A file contains one YAML document. Anchors and aliases work for values; merge keys (`<<`) are refused.",
		"",
		"## References",
		"",
		"Any value may contain references, even a number, a boolean or an item of a list; only `outbox.topic_regex` and "+
			"`outbox.topic_replacement` have no references.",
		"walpost expands them after it has parsed the YAML, so a password with a `#` or a colon needs no escaping. The result is not "+
			"expanded again.",
		"Inside `[ ]` and `{ }`, put references in quotes.",
		"",
		"| reference | value |",
		"|---|---|",
		"| `${NAME}` | the environment variable, which must be set |",
		"| `${NAME:-default}` | the same, or the default if the variable is unset or empty |",
		"| `${file:/path}` | the content of the file |",
		"| `$${` | a literal `${` |",
		"",
		"walpost removes line ends at the end of what a reference gives, and a byte order mark at its beginning. A space or tab at "+
			"either end is a fault.",
		"",
		"Secrets (`postgres.url`, passwords, tokens) are expanded again at each use, so a rotated file needs no restart. They appear "+
			"in no log, message, metric or printed",
		"configuration.",
		"",
		"## Types",
		"",
		"| type | meaning |",
		"|---|---|",
		"| duration | a number with its unit, as in Go: `500ms`, `60s`, `1m30s` |",
		"| size | a whole number with `B`, `KiB`, `MiB`, `GiB` (multiples of 1024) or `KB`, `MB`, `GB` (multiples of 1000); without a "+
			"unit, bytes |",
		"| column | the name as Postgres shows it, without quotes |",
		"| template | text with columns in braces: `outbox.event.{aggregatetype}` |",
		"| glob | `*` any characters, `?` one, `[a-z]` one of a set, `\\` escapes the next character |",
		"",
		"## Keys",
		"",
	)
	root := definition()
	writeKeys(write, &root, "", "")
	write(
		"## All keys",
		"",
		"`walpost config print` for the small file above (`kafka.tls` and `kafka.sasl` are printed only if they are set):",
		"",
		"```yaml", strings.TrimSpace(defaults), "```",
		"",
		"## Several files",
		"",
		"`-c` may be repeated, or name a folder. walpost reads the `*.yaml` and `*.yml` files of a folder in the order of their names. "+
			"Each file is one relay of the same",
		"process, with its own `name` and, on the same Postgres server, its own slot. `admin.listen` must be the same in all files "+
			"that set it. If one file has a fault,",
		"walpost refuses all.",
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
		write("| `" + child.name + "` | " + child.value.words() + " | " +
			fallback + " | " + strings.ReplaceAll(child.about, "|", `\|`) + " |")
	}
	if started {
		write("")
	}
	for _, section := range sections {
		writeKeys(write, section, join(path, section.name), section.about)
	}
}
