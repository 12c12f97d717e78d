package config

import (
	"errors"
	"io"
	"os"
)

// maxFileBytes bounds what is read as a configuration.
const maxFileBytes = 1 << 20

// Load reads one file. The error is of type Errors and holds every fault.
func Load(path string) (*Config, error) {
	r := loadFile(path)
	if err := r.faults.asError(); err != nil {
		return nil, err
	}
	return r.cfg, nil
}

// Parse reads the content of a file of that name. The error is of type Errors
// and holds every fault.
func Parse(name string, data []byte) (*Config, error) {
	r := parse(name, data)
	if err := r.faults.asError(); err != nil {
		return nil, err
	}
	return r.cfg, nil
}

// Default returns a configuration with every default. The keys that a file must have are empty, and so
// are slot, publication and client id, which come from the name.
func Default() *Config {
	r := newReader("")
	r.defaults(&r.root)
	return r.cfg
}

func loadFile(path string) *reader {
	data, err := readFile(path)
	if err != nil {
		r := newReader(path)
		r.faults = append(r.faults, Fault{File: path, Message: "cannot be read: " + err.Error()})
		return r
	}
	return parse(path, data)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer func() { _ = f.Close() }() // read only: nothing is lost
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, cause(err)
	}
	if len(data) > maxFileBytes {
		return nil, errors.New("larger than " + Size(maxFileBytes).String())
	}
	return data, nil
}

func parse(name string, data []byte) *reader {
	r := newReader(name)
	document, fault := parseDocument(data)
	if fault != nil {
		fault.File = name
		r.faults = append(r.faults, *fault)
		return r
	}
	r.section(&r.root, "", document, place{1, 1})
	r.root.walk("", func(path string, k *key) {
		if _, set := r.places[path]; k.derive != nil && !set {
			k.derive(r.cfg)
		}
	})
	r.rules()
	return r
}
