package cli_test

import "testing"

// A regular expression makes the topics that init creates, check names and replay counts:
// several values may lead to one.
func TestTopicsOfARegex(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{
		"outbox.topic": "{aggregatetype}", "outbox.topic_regex": `(?<kind>.*)\.v\d+`, "outbox.topic_replacement": "PREFIX.${kind}",
	})
	walpost(t, "init", "-c", s.file).want(t, 0)
	s.db.Exec(t, insert("order.v1", "k", 1), insert("order.v2", "k", 2), insert("order.v1", "k", 3), insert(s.prefix+".plain", "k", 4),
		insert("a b.v1", "k", 5))
	walpost(t, "init", "-c", s.file).want(t, 0, "created topic "+s.prefix+".order", "created topic "+s.prefix+".plain",
		"skipped topic "+s.prefix+".a b")
	walpost(t, "check", "-c", s.file).want(t, 0, "ok kafka topic "+s.prefix+".order", "warning postgres topic names",
		"rows may name any topic")
	walpost(t, "replay", "--all", "--to-topic", s.prefix+".plain", "--dry-run", "-c", s.file).want(t, 0, "5 rows")
	walpost(t, "recover", "--all", "--force", "--dry-run", "-c", s.file).want(t, 0, "3 to topic "+s.prefix+".order",
		"1 to topic "+s.prefix+".plain")
	walpost(t, "config", "print", "-c", s.file).want(t, 0, "topic_replacement: "+s.prefix+".${kind}")
}
