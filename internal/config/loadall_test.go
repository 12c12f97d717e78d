package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/config"
)

// folder writes files below a new folder and goes there, so that faults name
// them without the folder.
func folder(t *testing.T, files map[string]string) {
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func relayFile(name, url, rest string) string {
	return "name: " + name + "\npostgres: {url: \"" + url + "\"}\nkafka: {brokers: [localhost:9092]}\n" + rest
}

func TestLoadAllReadsFilesAndFolders(t *testing.T) {
	folder(t, map[string]string{
		"conf/b.yaml":           relayFile("b", "postgres://localhost/b", "admin: {listen: \":9000\"}\n"),
		"conf/a.yml":            relayFile("a", "postgres://localhost/a", ""),
		"conf/notes.txt":        "x",
		"conf/.c.yaml":          "x",
		"conf/folder.yaml/x":    "x",
		"conf/below/d.yaml":     "x",
		"other/c.configuration": relayFile("c", "postgres://localhost/c", "admin: {listen: \":9000\"}\n"),
	})
	configs, err := config.LoadAll([]string{"conf", "other/c.configuration"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range configs {
		got = append(got, c.Name+" "+c.File+" "+c.Admin.Listen)
	}
	if want := "a conf/a.yml :9000, b conf/b.yaml :9000, c other/c.configuration :9000"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}

func TestLoadAllRefusesContradictions(t *testing.T) {
	folder(t, map[string]string{
		"a.yaml":       relayFile("a", "postgres://u:hunter2@DB1/a", "admin: {listen: \":9000\"}\n"),
		"same.yaml":    relayFile("a", "postgres://elsewhere/a", ""),
		"slot.yaml":    strings.Replace(relayFile("s", "postgres://db1:5432/other", ""), "}\n", ", slot: walpost_a}\n", 1),
		"listen.yaml":  relayFile("l", "postgres://localhost/l", "admin: {listen: \":9001\"}\n"),
		"off.yaml":     relayFile("o", "postgres://localhost/o", "admin: {listen: \"\"}\n"),
		"faulty.yaml":  relayFile("f", "postgres://localhost/f", "logs: {}\n"),
		"empty/.x":     "",
		"far/slot.yml": strings.Replace(relayFile("f", "postgres://db2/other", ""), "}\n", ", slot: walpost_a}\n", 1),
	})
	for paths, want := range map[string]string{
		"a.yaml same.yaml": `same.yaml:1:7: name: "a" is the name in a.yaml too: each relay of a process has its own`,
		"a.yaml ./a.yaml":  "./a.yaml:1:7: name: \"a\" is the name in a.yaml too: each relay of a process has its own",
		"a.yaml slot.yaml": `slot.yaml:2:52: postgres.slot: "walpost_a" is the slot in a.yaml too, on the same server: ` +
			`each relay has its own`,
		"a.yaml far": "",
		"a.yaml listen.yaml": "listen.yaml:4:17: admin.listen: not the same as in a.yaml: a process has one listener, so " +
			"the files must agree or leave it out",
		"a.yaml off.yaml": "off.yaml:4:17: admin.listen: not the same as in a.yaml: a process has one listener, so the " +
			"files must agree or leave it out",
		"empty": "empty: a folder without *.yaml and *.yml files",
		"a.yaml missing.yaml faulty.yaml": "faulty.yaml:4:1: unknown key \"logs\"; did you mean \"log\"?\nmissing.yaml: cannot be " +
			"read: no such file or directory",
		"": "-c: names no configuration file",
	} {
		configs, err := config.LoadAll(strings.Fields(paths))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want || (err == nil) != (configs != nil) {
			t.Errorf("%s: %v\ngot  %s\nwant %s", paths, configs, got, want)
		}
		if strings.Contains(got, "hunter2") {
			t.Errorf("a secret is shown: %s", got)
		}
	}
}
