package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// LoadAll reads the files of one process. A path that is a folder stands for its
// *.yaml and *.yml files in the order of their names, those that begin with a
// dot left out. Beside the faults of each file the error, of type Errors, holds
// what the files contradict each other in.
func LoadAll(paths []string) ([]*Config, error) {
	var readers []*reader
	var faults Errors
	for _, path := range paths {
		files, fault := expandPath(path)
		if fault != nil {
			faults = append(faults, *fault)
		}
		for _, file := range files {
			readers = append(readers, loadFile(file))
		}
	}
	if len(paths) == 0 {
		faults = append(faults, Fault{File: "-c", Message: "names no configuration file"})
	}
	distinct(readers)
	agree(readers)
	var configs []*Config
	for _, r := range readers {
		faults = append(faults, r.faults...)
		configs = append(configs, r.cfg)
	}
	if err := faults.asError(); err != nil {
		return nil, err
	}
	return configs, nil
}

// expandPath returns the files a path stands for.
func expandPath(path string) ([]string, *Fault) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, nil // Loading says what is wrong with it.
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, &Fault{File: path, Message: "cannot be read: " + cause(err).Error()}
	}
	var files []string
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if strings.HasPrefix(e.Name(), ".") || ext != ".yaml" && ext != ".yml" {
			continue
		}
		file := filepath.Join(path, e.Name())
		if info, err := os.Stat(file); err == nil && info.IsDir() {
			continue
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil, &Fault{File: path, Message: "a folder without *.yaml and *.yml files"}
	}
	slices.Sort(files)
	return files, nil
}

// distinct notes names and slots that two files share. A slot is known to the
// whole server, whatever the database.
func distinct(readers []*reader) {
	names, slots := make(map[string]*reader), make(map[string]*reader)
	for _, r := range readers {
		if name := r.cfg.Name; name != "" && r.sound("name") {
			if other, ok := names[name]; ok {
				r.fault(r.at("name"), "name", "%q is the name in %s too: each relay of a process has its own", name, other.file)
			} else {
				names[name] = r
			}
		}
		server, ok := r.server()
		if !ok || !r.sound("postgres.slot", "name") {
			continue
		}
		if other, ok := slots[server+"/"+r.cfg.Postgres.Slot]; ok {
			r.fault(r.at("postgres.slot"), "postgres.slot", "%q is the slot in %s too, on the same server: each relay has its own",
				r.cfg.Postgres.Slot, other.file)
		} else {
			slots[server+"/"+r.cfg.Postgres.Slot] = r
		}
	}
}

func (r *reader) server() (string, bool) {
	text, err := r.cfg.Postgres.URL.Reveal()
	if err != nil || text == "" {
		return "", false
	}
	u, err := splitURL(text)
	return u.server(), err == nil
}

// agree sets in every file the one admin.listen that those that set it agree on.
func agree(readers []*reader) {
	const path = "admin.listen"
	var first *reader
	for _, r := range readers {
		if _, set := r.places[path]; !set || !r.sound(path) {
			continue
		}
		if first == nil {
			first = r
		} else if r.cfg.Admin.Listen != first.cfg.Admin.Listen {
			r.fault(r.at(path), path, "not the same as in %s: a process has one listener, so the files must agree or leave it out",
				first.file)
		}
	}
	if first == nil {
		return
	}
	for _, r := range readers {
		r.cfg.Admin.Listen = first.cfg.Admin.Listen
	}
}
