package config

import "go.yaml.in/yaml/v4"

// key is one key of the file. The tree of keys is the only definition of the
// configuration: the reader, the schema, `config print` and
// docs/configuration.md are all made from it.
type key struct {
	name  string
	about string // what it is, for the schema and the page

	// A key has a value, or is a section with keys.
	value value
	keys  []key

	// open makes an optional section present. Nil: the section is always there.
	open func(*Config)
	// present reports whether an optional section is there.
	present func(*Config) bool

	required bool
	fallback string // default, as YAML
	// derive sets a default that comes from other keys; derived is it in words.
	derive  func(*Config)
	derived string
}

// value is how the value of a key is read, described and printed.
type value interface {
	// read sets the value from the document, or notes faults.
	read(r *reader, path string, n node)
	// schema describes what read accepts, as far as a schema can.
	schema() schema
	// print returns the effective value, secrets masked.
	print(c *Config) *yaml.Node
	// words names the type for the page.
	words() string
}

// find returns the key of that name.
func (k *key) find(name string) *key {
	for i := range k.keys {
		if k.keys[i].name == name {
			return &k.keys[i]
		}
	}
	return nil
}

// names are the names of the keys of a section.
func (k *key) names() []string {
	var names []string
	for i := range k.keys {
		names = append(names, k.keys[i].name)
	}
	return names
}

// walk calls visit for every key below k, with its path.
func (k *key) walk(path string, visit func(path string, k *key)) {
	for i := range k.keys {
		child := &k.keys[i]
		below := join(path, child.name)
		visit(below, child)
		child.walk(below, visit)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
