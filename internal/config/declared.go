package config

import (
	"errors"
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/walpost/walpost/internal/topicname"
)

// declared is a mapping of topic names to sections, each with the keys of one
// topic.
type declared struct {
	at func(*Config) *map[string]DeclaredTopic
}

func (d declared) read(r *reader, path string, n node) {
	if n.Kind != yaml.MappingNode {
		r.fault(n.at, path, "want topics like {orders: {partitions: 12}}, not %s", n.words())
		return
	}
	topics := make(map[string]DeclaredTopic)
	for _, e := range r.entries(path, n) {
		if err := checkTopicName(e.name); err != nil {
			r.fault(e.at, path, "%v, not %q", err, e.name)
			continue
		}
		var topic DeclaredTopic
		r.section(declaredKeys(&topic), join(path, e.name), e.value, e.at)
		topics[e.name] = topic
	}
	*d.at(r.cfg) = topics
}

// declaredKeys are the keys of one topic, which they set.
func declaredKeys(t *DeclaredTopic) *key {
	return &key{keys: []key{
		{
			name: "partitions", fallback: "-1", about: "Partitions; -1 or left out: any number.",
			value: count(func(*Config) *int32 { return &t.Partitions }, 1<<31-1),
		},
		{
			name: "replication_factor", fallback: "-1", about: "Replicas; -1 or left out: any number.",
			value: count(func(*Config) *int16 { return &t.ReplicationFactor }, 1<<15-1),
		},
		{
			name: "config", fallback: "{}", about: "Settings such as retention.ms; those left out are not judged.",
			value: settings{at: func(*Config) *map[string]string { return &t.Config }},
		},
	}}
}

func (d declared) schema() schema {
	s := schema{
		"type":          "object",
		"propertyNames": schema{"pattern": topicname.Pattern, "maxLength": topicname.MaxLength, "not": schema{"enum": []string{".", ".."}}},
	}
	topic, err := declaredKeys(&DeclaredTopic{}).sectionSchema()
	if err != nil { // a default above is no YAML, which the test of the schema sees
		return s
	}
	s["additionalProperties"] = topic
	return s
}

func (d declared) print(c *Config) *yaml.Node {
	topics := *d.at(c)
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range slices.Sorted(maps.Keys(topics)) {
		topic := topics[name]
		n.Content = append(n.Content, scalarNode("!!str", name), printSection(declaredKeys(&topic), c))
	}
	return n
}

func (d declared) words() string { return "topic names and their settings" }

// checkTopicName checks a topic name without columns.
func checkTopicName(name string) error {
	t, err := topicname.Parse(name)
	if err != nil || len(t.Columns()) > 0 {
		return errors.New("want the name of a topic, without columns")
	}
	return checkTopic(t)
}
