package config

import (
	"io"

	"go.yaml.in/yaml/v4"
)

// Print writes the effective configuration as YAML: every key, defaults and
// expanded values included, secrets masked. Sections that turn something on by
// being there are left out when they are not.
func Print(w io.Writer, cfg *Config) error {
	root := definition()
	text, err := yaml.Dump(printSection(&root, cfg), yaml.WithV4Defaults(), yaml.WithLineWidth(-1))
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

func printSection(k *key, cfg *Config) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for i := range k.keys {
		child := &k.keys[i]
		if child.present != nil && !child.present(cfg) {
			continue
		}
		value := printSection
		if child.value != nil {
			value = func(k *key, cfg *Config) *yaml.Node { return k.value.print(cfg) }
		}
		name := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: child.name}
		n.Content = append(n.Content, name, value(child, cfg))
	}
	return n
}
