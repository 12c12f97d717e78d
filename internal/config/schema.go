package config

import (
	"bytes"
	"encoding/json"

	"go.yaml.in/yaml/v4"
)

// schema is a JSON Schema, or a part of one.
type schema map[string]any

// orReference accepts a reference in the place of what form accepts.
func orReference(form schema) schema {
	if len(form) == 1 && form["type"] == "string" {
		return form
	}
	return schema{"anyOf": []schema{form, {"$ref": "#/$defs/reference"}}}
}

// Schema is the JSON Schema (draft 2020-12) of the file. What no schema can judge
// (contradictions between keys, files, environment) only Load refuses.
func Schema() ([]byte, error) {
	root := definition()
	s, err := root.sectionSchema()
	if err != nil {
		return nil, err
	}
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "walpost configuration"
	s["$defs"] = schema{"reference": schema{
		"description": "A value from an environment variable or a file: ${NAME}, ${NAME:-default} or ${file:/path}.",
		"type":        "string", "pattern": `\$\{`,
	}}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(s); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// sectionSchema describes a section with its keys.
func (k *key) sectionSchema() (schema, error) {
	properties := schema{}
	s := schema{"type": "object", "additionalProperties": false, "properties": properties}
	var required []string
	for i := range k.keys {
		child := &k.keys[i]
		described, err := child.describe()
		if err != nil {
			return nil, err
		}
		properties[child.name] = described
		if child.needed() {
			required = append(required, child.name)
		}
	}
	if required != nil {
		s["required"] = required
	}
	return s, nil
}

func (k *key) describe() (schema, error) {
	var s schema
	if k.value == nil {
		section, err := k.sectionSchema()
		if err != nil {
			return nil, err
		}
		s = section
	} else {
		s = k.value.schema()
	}
	s["description"] = k.about
	if k.derived != "" {
		s["description"] = k.about + " Default: " + k.derived + "."
	}
	if k.fallback != "" {
		var value any
		if err := yaml.Load([]byte(k.fallback), &value); err != nil {
			return nil, err
		}
		s["default"] = value
	}
	return s, nil
}

// needed reports whether a file must have the key, for itself or for a key below it.
func (k *key) needed() bool {
	if k.open != nil {
		return false
	}
	needed := k.required
	for i := range k.keys {
		needed = needed || k.keys[i].needed()
	}
	return needed
}
