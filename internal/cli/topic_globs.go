package cli

import (
	"path"
	"slices"
	"strings"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/topicname"
)

// checkGlobs returns an error of usage when one of a flag's globs is none.
func checkGlobs(flag string, globs []string) error {
	for _, glob := range globs {
		if _, err := path.Match(glob, ""); err != nil {
			return usage("%s: %q is no glob", flag, glob)
		}
	}
	return nil
}

// splitGlobs splits topics into those that are named in full and globs.
func splitGlobs(all []string) (names, globs []string) {
	for _, g := range all {
		if strings.ContainsAny(g, `*?[\`) {
			globs = append(globs, g)
		} else {
			names = append(names, g)
		}
	}
	return names, globs
}

// matchesTopic reports whether a glob matches the topic. No glob matches a topic that
// Kafka keeps for itself.
func matchesTopic(globs []string, topic string) bool {
	return !topicname.Reserved(topic) && matchesAny(globs, topic)
}

func matchesAny(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, err := path.Match(glob, name)
		return ok && err == nil
	})
}

// findTopics returns names, whether these topics exist or not, and the topics of the
// cluster that a glob matches, sorted.
func findTopics(client sarama.Client, o kafka.Options, names, globs []string) ([]string, error) {
	if len(globs) == 0 {
		_ = client.RefreshMetadata(names...) // a topic that is missing is an error, and may be created later
		return names, nil
	}
	if err := client.RefreshMetadata(); err != nil {
		return nil, o.Explain("list topics", err)
	}
	all, err := client.Topics()
	if err != nil {
		return nil, o.Explain("list topics", err)
	}
	for _, topic := range all {
		if matchesTopic(globs, topic) {
			names = append(names, topic)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
