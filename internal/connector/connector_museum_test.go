package connector_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/connector"
	"github.com/walpost/walpost/internal/connector/source"
)

// update rewrites testdata/import/*.golden with what the code says now; what changed is then read in the diff.
var update = flag.Bool("update", false, "rewrite golden files")

const museum = "../../testdata/import/"

// planted is in every secret of the museum.
const planted = "hunter2"

// exhibits are the configurations of the museum.
func exhibits(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.json", "*.properties", "*.yaml"} {
		found, err := filepath.Glob(museum + pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	if len(all) < 25 {
		t.Fatalf("%d configurations", len(all))
	}
	return all
}

// importFile imports an exhibit, with the properties of its worker if it has some.
func importFile(t *testing.T, file string) (source.Input, *connector.Result) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	in := source.Input{File: filepath.Base(file), Data: data}
	worker, err := os.ReadFile(strings.TrimSuffix(file, filepath.Ext(file)) + ".worker")
	if err == nil {
		in.Worker = worker
	} else if !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	result, err := connector.Import(in)
	if err != nil {
		t.Fatal(err)
	}
	return in, result
}

// words are all that is said of an import.
func words(r *connector.Result) string {
	var text strings.Builder
	for _, group := range []struct {
		title string
		notes []connector.Note
	}{{"not carried over", r.Lost}, {"look at", r.Look}, {"needless", r.Needless}} {
		fmt.Fprintf(&text, "# %s:\n", group.title)
		for _, n := range group.notes {
			fmt.Fprintf(&text, "#   %s: %s\n", n.Option, n.Text)
		}
	}
	there, back := r.Steps("orders.yaml")
	for _, steps := range [][]string{there, back} {
		text.WriteString("# steps:\n")
		for _, step := range steps {
			fmt.Fprintf(&text, "#   %s\n", step)
		}
	}
	return text.String()
}

func TestMuseum(t *testing.T) {
	t.Parallel()
	for _, file := range exhibits(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			_, result := importFile(t, file)
			got := string(result.YAML) + words(result)
			golden := file + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if strings.Contains(got, planted) {
				t.Error("a secret is shown")
			}
		})
	}
}

// Whatever the source says is in a comment of the file or in words.
func TestEveryOptionIsNamed(t *testing.T) {
	t.Parallel()
	key := regexp.MustCompile(`(?m)^\s*"?([a-zA-Z_][\w.$-]*\.[\w.$-]+|transforms|predicates)"?\s*[=:]`)
	for _, file := range exhibits(t) {
		in, result := importFile(t, file)
		said := string(result.YAML) + words(result)
		for _, found := range key.FindAllStringSubmatch(string(in.Data), -1) {
			if name := found[1]; !named(said, name) {
				t.Errorf("%s: nothing is said of %s", file, name)
			}
		}
	}
}

// named reports whether a text has the name, or that of a transform as a whole.
func named(said, name string) bool {
	if strings.Contains(said, name) {
		return true
	}
	_, of, isTransform := strings.Cut(name, "transforms.")
	alias, _, _ := strings.Cut(of, ".")
	return isTransform && strings.Contains(said, "transforms."+alias+".*") || structural(name)
}

// structural reports whether an option only says that there is an outbox connector.
func structural(name string) bool {
	name = strings.TrimPrefix(name, "debezium.")
	return name == "source.connector.class" || name == "connector.class" || name == "sink.type" || name == "transforms" ||
		regexp.MustCompile(`^transforms\.\w+\.type$`).MatchString(name)
}

// Each file that is written is one that walpost reads.
func TestEveryFileIsValid(t *testing.T) {
	reference := regexp.MustCompile(`\$\{([A-Z][A-Z0-9_]*|database_password)\}`)
	folder := t.TempDir()
	for _, file := range exhibits(t) {
		_, result := importFile(t, file)
		text := regexp.MustCompile(`: (/[\w/.-]+)`).ReplaceAllStringFunc(string(result.YAML), func(path string) string {
			local := filepath.Join(folder, filepath.Base(path))
			if err := os.WriteFile(local, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return ": " + local
		})
		text = regexp.MustCompile(`\$\{file:[^}]*\}`).ReplaceAllString(text, "x")
		for _, found := range reference.FindAllStringSubmatch(text, -1) {
			value := "x"
			if found[1] == "KAFKA_BROKERS" {
				value = "a:9092,b:9092"
			}
			t.Setenv(found[1], value)
		}
		if _, err := config.Parse(file, []byte(text)); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
}
