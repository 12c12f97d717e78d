package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// reader fills a Config from a document and notes every fault on the way.
type reader struct {
	file   string
	cfg    *Config
	faults Errors
	root   key
	places map[string]place // values of the keys that the file sets, by path; of sections: their keys
	bad    map[string]bool  // paths of values with a fault
}

func newReader(file string) *reader {
	return &reader{
		file: file, cfg: &Config{File: file}, root: definition(),
		places: make(map[string]place), bad: make(map[string]bool),
	}
}

// fault notes a fault of a key.
func (r *reader) fault(at place, path, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if path != "" {
		message = path + ": " + message
	}
	r.note(at, path, message)
}

// note adds a fault whose message names the key already. A fault is one line,
// whatever names of headers and files hold.
func (r *reader) note(at place, path, message string) {
	r.bad[path] = true
	message = strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(message)
	r.faults = append(r.faults, Fault{File: r.file, Line: at.line, Column: at.column, Message: message})
}

// wrong notes that a scalar has a wrong value. The error says what is wanted.
// What a reference expands to is not shown: it may be a secret put in the wrong
// place.
func (r *reader) wrong(path string, n node, err error) {
	shown := []rune(n.Value)
	if len(shown) > 60 {
		shown = append(shown[:60], '…')
	}
	if hasReference(n.Value) {
		r.fault(n.at, path, "%v, not the value of %q", err, string(shown))
		return
	}
	r.fault(n.at, path, "%v, not %q", err, string(shown))
}

// entry is one key and its value in a mapping of the document.
type entry struct {
	name  string
	at    place
	value node
}

// entries are the entries of a mapping whose keys are names, each once.
func (r *reader) entries(path string, n node) []entry {
	var out []entry
	seen := make(map[string]place)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := follow(n.Content[i])
		if k.ShortTag() == "!!merge" {
			r.fault(k.at, path, "merge keys (<<) are not supported: repeat the keys")
			continue
		}
		if k.Kind != yaml.ScalarNode || k.ShortTag() != "!!str" {
			r.fault(k.at, path, "want a name as key, not %s; a number goes in quotes", k.words())
			continue
		}
		if hasReference(k.Value) {
			r.fault(k.at, path, "references are expanded in values only, not in keys")
			continue
		}
		if first, ok := seen[k.Value]; ok {
			r.fault(k.at, join(path, k.Value), "duplicate key %q, first at %d:%d", k.Value, first.line, first.column)
			continue
		}
		seen[k.Value] = k.at
		out = append(out, entry{name: k.Value, at: k.at, value: follow(n.Content[i+1])})
	}
	return out
}

// section reads the keys of a section. at is the place of its key.
func (r *reader) section(k *key, path string, n node, at place) {
	if n.Kind != yaml.MappingNode {
		r.noSection(k, path, n)
		return
	}
	if k.open != nil {
		k.open(r.cfg)
	}
	found := make(map[string]entry)
	for _, e := range r.entries(path, n) {
		if k.find(e.name) == nil {
			r.unknown(k, path, e)
			continue
		}
		found[e.name] = e
	}
	for i := range k.keys {
		child := &k.keys[i]
		e, ok := found[child.name]
		below := join(path, child.name)
		switch {
		case !ok:
			r.missing(child, below, at)
		case child.value == nil:
			r.places[below] = e.at
			r.section(child, below, e.value, e.at)
		default:
			r.places[below] = e.value.at
			child.value.read(r, below, e.value)
		}
	}
}

// noSection says what should be in the place of something else.
func (r *reader) noSection(k *key, path string, n node) {
	hint := "the keys " + strings.Join(k.names(), ", ") + " go below it"
	if path == "" {
		hint = smallest
	}
	if n.ShortTag() == "!!null" {
		hint = "write {} for a section without keys, or leave it out"
	}
	r.fault(n.at, path, "want a section, not %s: %s", n.words(), hint)
	if k.open == nil {
		r.defaults(k)
	}
}

// missing sets a key to its default, and notes those that must be there. at is the
// place of the section.
func (r *reader) missing(k *key, path string, at place) {
	if k.required {
		r.note(at, path, fmt.Sprintf("missing key %q", path))
		return
	}
	if k.value != nil {
		r.fallback(k, path)
		return
	}
	if k.open == nil {
		for i := range k.keys {
			r.missing(&k.keys[i], join(path, k.keys[i].name), at)
		}
	}
}

// defaults sets every key below k to its default.
func (r *reader) defaults(k *key) {
	for i := range k.keys {
		child := &k.keys[i]
		if child.value != nil {
			r.fallback(child, child.name)
		} else if child.open == nil {
			r.defaults(child)
		}
	}
}

// fallback reads the default through the same code as a value of the file.
func (r *reader) fallback(k *key, path string) {
	if k.fallback == "" {
		return
	}
	var document yaml.Node
	if err := yaml.Load([]byte(k.fallback), &document); err != nil || len(document.Content) != 1 {
		r.fault(place{1, 1}, path, "the default of this key is broken: please report it")
		return
	}
	k.value.read(r, path, follow(document.Content[0]))
}

// unknown notes an unknown key with the one that was most likely meant.
func (r *reader) unknown(k *key, path string, e entry) {
	names := k.names()
	hint := "known here: " + strings.Join(names, ", ")
	if near := nearestKey(e.name, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	} else if elsewhere := r.elsewhere(e.name); elsewhere != "" {
		hint = fmt.Sprintf("did you mean %q?", elsewhere)
	}
	r.note(e.at, join(path, e.name), fmt.Sprintf("unknown key %q; %s", e.name, hint))
}

// elsewhere is the path of a key of that name in another section.
func (r *reader) elsewhere(name string) string {
	var found string
	r.root.walk("", func(path string, k *key) {
		if k.name == name && found == "" {
			found = path
		}
	})
	return found
}

// scalar returns the expanded text of a scalar. Without a reference its tag must be one
// of those that the key takes; what a reference gives is always text.
func (r *reader) scalar(path string, n node, want string, tags ...string) (string, bool) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && hasReference(n.Value) {
		text, err := expand(n.Value)
		if err == nil {
			return text, true
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			r.fault(n.at, path, "%s", line)
		}
		return "", false
	}
	return r.plain(path, n, want, tags...)
}

// plain is scalar without references.
func (r *reader) plain(path string, n node, want string, tags ...string) (string, bool) {
	if n.Kind == yaml.ScalarNode && slices.Contains(tags, n.ShortTag()) {
		return n.Value, true
	}
	hint := ""
	switch {
	case n.Kind != yaml.ScalarNode:
	case n.ShortTag() == "!!null":
		hint = "; leave the key out for its default"
	case slices.Contains(tags, "!!str"):
		hint = "; write it in quotes"
	}
	r.fault(n.at, path, "want %s, not %s%s", want, n.words(), hint)
	return "", false
}

// textTags are the tags of text: YAML 1.1 would make dates of some of it.
func textTags() []string { return []string{"!!str", "!!timestamp"} }

// at is the place of a key, or of the nearest section around it that is there.
func (r *reader) at(path string) place {
	for {
		if p, ok := r.places[path]; ok {
			return p
		}
		cut := strings.LastIndexByte(path, '.')
		if cut < 0 {
			return place{1, 1}
		}
		path = path[:cut]
	}
}

// sound reports whether none of these keys has a fault of its own.
func (r *reader) sound(paths ...string) bool {
	return !slices.ContainsFunc(paths, func(p string) bool { return r.bad[p] })
}
