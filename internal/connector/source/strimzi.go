package source

import (
	"errors"
	"regexp"

	"go.yaml.in/yaml/v4"
)

// strimzi is a manifest of Kubernetes for Strimzi's operator.
var strimzi = regexp.MustCompile(`(?m)^kind:\s*["']?KafkaConnector\b`)

// connectorResource is the part of the manifest that is read. Values are nodes, so that their texts stay as they are.
type connectorResource struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec map[string]yaml.Node `yaml:"spec"`
}

// readStrimzi reads one KafkaConnector.
func readStrimzi(data []byte) (*Source, error) {
	var resource connectorResource
	if err := yaml.Load(data, &resource); err != nil || resource.Kind != "KafkaConnector" {
		return nil, errors.New("want one KafkaConnector as YAML, and no other document beside it") // the error may quote a secret
	}
	src := newSource(resource.Metadata.Name)
	src.Strimzi = true
	for field, node := range resource.Spec {
		switch field {
		case "class":
			src.add("connector.class", "spec.class", node.Value)
		case "config":
			if err := src.addNodes(&node); err != nil {
				return nil, err
			}
		default:
			src.add("spec."+field, "spec."+field, "set")
		}
	}
	return src, nil
}

// addNodes adds the options of spec.config.
func (s *Source) addNodes(config *yaml.Node) error {
	for i := 0; i+1 < len(config.Content); i += 2 {
		name, node := config.Content[i].Value, config.Content[i+1]
		if node.Kind != yaml.ScalarNode {
			return errors.New("spec.config." + name + ": want a text: Kafka Connect refuses objects and lists as options")
		}
		s.add(name, name, node.Value)
	}
	return nil
}
