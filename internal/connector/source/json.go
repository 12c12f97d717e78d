package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// named is a connector of a list.
type named struct {
	name   string
	config map[string]json.RawMessage
}

// readJSON reads what Kafka Connect's REST interface takes and answers: {name, config}, a config alone, a list of
// connectors, or the answer to GET /connectors?expand=info.
func readJSON(data []byte, in Input) (*Source, error) {
	all, err := connectors(data)
	if err != nil {
		return nil, err
	}
	if in.Name != "" {
		all = slices.DeleteFunc(all, func(n named) bool { return n.name != in.Name })
		if len(all) == 0 {
			return nil, fmt.Errorf("no connector is called %q", in.Name)
		}
	}
	chosen, err := onlyMarked(all, in.Marker)
	if err != nil {
		return nil, err
	}
	src := newSource(chosen.name)
	for name, raw := range chosen.config {
		value, err := scalar(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		src.add(name, name, value)
	}
	return src, nil
}

// onlyMarked returns the one connector, or the only one with the marker.
func onlyMarked(all []named, marker string) (named, error) {
	if len(all) == 1 {
		return all[0], nil
	}
	var names []string
	var found named
	for _, n := range all {
		for _, raw := range n.config {
			if value, err := scalar(raw); err == nil && value == marker {
				names, found = append(names, n.name), n
				break
			}
		}
	}
	switch len(names) {
	case 0:
		return found, errors.New("none of the connectors has " + marker)
	case 1:
		return found, nil
	}
	slices.Sort(names)
	return found, fmt.Errorf("several connectors have it: name one with --connector (%s)", strings.Join(names, ", "))
}

// connectors returns the connectors of a document.
func connectors(data []byte) ([]named, error) {
	var document map[string]json.RawMessage
	if data[0] != '[' {
		if err := json.Unmarshal(data, &document); err != nil {
			return nil, jsonError(data, err)
		}
		return connectorsOf(document)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, jsonError(data, err)
	}
	var all []named
	for _, one := range list {
		if err := json.Unmarshal(one, &document); err != nil || document == nil {
			return nil, errors.New("has names of connectors only: ask Kafka Connect for /connectors/NAME, or for /connectors?expand=info")
		}
		found, err := connectorsOf(document)
		if err != nil {
			return nil, err
		}
		all, document = append(all, found...), nil
	}
	if len(all) == 0 {
		return nil, errors.New("has no connector")
	}
	return all, nil
}

// connectorsOf reads one object: a connector, its config alone, or connectors by their names.
func connectorsOf(document map[string]json.RawMessage) ([]named, error) {
	if config := object(document["config"]); config != nil {
		name, _ := scalar(document["name"])
		if name == "" {
			name, _ = scalar(config["name"])
		}
		return []named{{name, config}}, nil
	}
	var all []named
	for key, raw := range document {
		entry := object(raw)
		if entry == nil {
			continue
		}
		found, err := connectorsOf(entry)
		if info := object(entry["info"]); info != nil {
			found, err = connectorsOf(info)
		}
		if err != nil {
			return nil, err
		}
		for i := range found {
			if found[i].name == "" {
				found[i].name = key
			}
		}
		all = append(all, found...)
	}
	if len(all) > 0 {
		return all, nil
	}
	name, _ := scalar(document["name"])
	return []named{{name, document}}, nil
}

// object returns the members of an object, and nil of anything else.
func object(raw json.RawMessage) map[string]json.RawMessage {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil
	}
	return members
}

// scalar returns the text of an option: Kafka Connect takes numbers and booleans too.
func scalar(raw json.RawMessage) (string, error) {
	text := strings.TrimSpace(string(raw))
	switch {
	case text == "" || text == "null":
		return "", nil
	case text[0] == '{' || text[0] == '[':
		return "", errors.New("want a text: Kafka Connect refuses objects and lists as options")
	case text[0] != '"':
		return text, nil
	}
	var value string
	err := json.Unmarshal(raw, &value)
	return value, err
}

// jsonError places an error, and quotes nothing of the document: it has passwords.
func jsonError(data []byte, err error) error {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return errors.New("want a JSON object: a connector, or its config")
	}
	before := string(data[:min(int(syntax.Offset), len(data))])
	line := strings.Count(before, "\n") + 1
	return fmt.Errorf("line %d, column %d: no JSON: %w", line, len(before)-strings.LastIndexByte(before, '\n')-1, syntax)
}
