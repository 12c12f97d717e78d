package config_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/walpost/walpost/internal/config"
)

// update rewrites docs/configuration.md and the comments of testdata/config/*.bad.yaml
// with what the code says now; what changed is then read in the diff.
var update = flag.Bool("update", false, "rewrite golden files")

const museum = "../../testdata/config/"

const secretText = "hunter2 of the environment"

// setEnvironment sets the variables that the files of the museum refer to.
func setEnvironment(t testing.TB) {
	certs := t.TempDir()
	for _, name := range []string{"ca.pem", "client.pem", "client.key"} {
		if err := os.WriteFile(filepath.Join(certs, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{
		"CERTS": certs, "SET": "set", "EMPTY": "", "SECRET": secretText, "QUIRKS": "p: #'x\n- \"y\" ${SET} @",
		"NAME": "orders", "FLAG": "true", "BROKER": "[::1]:9092", "LINGER": "5ms", "SIZE": "2MiB", "COUNT": "3",
	} {
		t.Setenv(name, value)
	}
	for _, name := range []string{"NOT_SET", "NOT_SET_EITHER", "NOR_THIS", "HOST", "PORT", "COLUMN", "POLICY", "TOKEN"} {
		t.Setenv(name, "") // so that it is restored
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
}

func glob(t testing.TB, pattern string) []string {
	files, err := filepath.Glob(museum + pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	return files
}

// exhibit is a file of the museum. Its leading comments say what is wanted:
//
//	# want: line:column: message    each fault, in order
//	# schema: accepts               no schema can judge it
type exhibit struct {
	wants   []string
	accepts bool
	body    []byte
}

func readExhibit(t testing.TB, file string) exhibit {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	x := exhibit{body: data}
	for {
		line, rest, ok := bytes.Cut(x.body, []byte("\n"))
		want, isWant := strings.CutPrefix(string(line), "# want: ")
		switch {
		case ok && isWant:
			x.wants = append(x.wants, want)
		case ok && string(line) == "# schema: accepts":
			x.accepts = true
		default:
			return x
		}
		x.body = rest
	}
}

func faultsOf(t testing.TB, name string, data []byte) config.Errors {
	cfg, err := config.Parse(name, data)
	if err == nil {
		return nil
	}
	faults, ok := errors.AsType[config.Errors](err)
	if !ok || len(faults) == 0 || cfg != nil {
		t.Fatalf("%s: error %T %v, config %v", name, err, err, cfg)
	}
	return faults
}

func TestMuseumOfBadFiles(t *testing.T) {
	setEnvironment(t)
	files := glob(t, "*.bad.yaml")
	if len(files) < 40 {
		t.Fatalf("only %d bad files", len(files))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if *update {
				rewriteExhibit(t, file)
			}
			x := readExhibit(t, file)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			faults := faultsOf(t, file, data)
			var got []string
			for _, f := range faults {
				got = append(got, strings.TrimPrefix(f.String(), file+":"))
			}
			if strings.Join(got, "\n") != strings.Join(x.wants, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(x.wants, "\n"))
			}
			if len(x.wants) == 0 {
				t.Error("the file wants no fault")
			}
			for _, secret := range []string{"hunter", "b3JkZXJz"} {
				if strings.Contains(faults.Error(), secret) {
					t.Errorf("a message shows a secret: %v", faults)
				}
			}
		})
	}
}

// rewriteExhibit writes the comments of a file anew. The comments move the
// faults, so the file is judged with as many comments as it will have.
func rewriteExhibit(t *testing.T, file string) {
	x := readExhibit(t, file)
	count := len(faultsOf(t, file, x.body))
	head := ""
	if accepted(compileSchema(t), x.body) {
		head = "# schema: accepts\n"
	}
	faults := faultsOf(t, file, append([]byte(head+strings.Repeat("#\n", count)), x.body...))
	for _, f := range faults {
		head += "# want: " + strings.TrimPrefix(f.String(), file+":") + "\n"
	}
	if err := os.WriteFile(file, append([]byte(head), x.body...), 0o644); err != nil {
		t.Fatal(err)
	}
}

// accepted reports whether the schema finds nothing wrong, or YAML cannot be read
// as JSON at all.
func accepted(compiled *jsonschema.Schema, data []byte) bool {
	var document any
	if err := yaml.Load(data, &document); err != nil {
		return true
	}
	value, ok := asJSON(document)
	return !ok || compiled.Validate(value) == nil
}
