package config_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/walpost/walpost/internal/config"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	type holder struct {
		Password config.Secret
		Pointer  *config.Secret
		List     []config.Secret
		Map      map[string]config.Secret
	}
	s := config.NewSecret("hunter2")
	h := holder{s, &s, []config.Secret{s}, map[string]config.Secret{"k": s}}
	var shown []string
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%d", "%10s", "%T"} {
		shown = append(shown, fmt.Sprintf(verb, s), fmt.Sprintf(verb, h), fmt.Sprintf(verb, &h))
	}
	shown = append(shown, fmt.Sprint(fmt.Errorf("x %v", s)))
	asJSON, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Dump(h)
	if err != nil {
		t.Fatal(err)
	}
	asText, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	shown = append(shown, string(asJSON), string(asYAML), string(asText))
	for _, text := range shown {
		if strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("shown: %s", text)
		}
	}
	if got := fmt.Sprintf("%v %s %v", s, string(asText), config.Secret{}); got != "*** *** " {
		t.Errorf("%q", got)
	}
}

func TestSecretIsReadAnew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	s := config.NewSecret("a-${file:" + file + "}-${WALPOST_TEST_PART}")
	for _, content := range []string{"first\n", "second\r\n", "\xef\xbb\xbfthird\r"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("WALPOST_TEST_PART", content)
		plain := strings.Trim(content, "\r\n\ufeff")
		if got, want := reveal(t, s), "a-"+plain+"-"+plain; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if text, err := s.Reveal(); err == nil || text != "" && strings.Contains(err.Error(), "third") {
		t.Errorf("got %q, %v", text, err)
	}
}

// What a shell or an editor adds to a value is cut, and what may be meant is refused
// with its place, in a variable and in a file alike: neither is a wrong password.
func TestRow119_EndsOfReferences(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	for content, want := range map[string]string{
		"x\n": "x", "x\r\n\n": "x", "x\r": "x", "\xef\xbb\xbfx\n": "x", "a b": "a b", "x ": "", "\tx": "", "x \n": "",
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("WALPOST_TEST_ENDS", content)
		for reference, named := range map[string]string{
			"${WALPOST_TEST_ENDS}": "WALPOST_TEST_ENDS", "${WALPOST_TEST_ENDS:-d}": "WALPOST_TEST_ENDS", "${file:" + file + "}": file,
		} {
			got, err := config.NewSecret(reference).Reveal()
			if got != want || (err != nil) != (want == "") ||
				err != nil && (!strings.Contains(err.Error(), named) || strings.Contains(err.Error(), content)) {
				t.Errorf("%s of %q gives %q, %v", reference, content, got, err)
			}
		}
	}
}

// Several brokers come from one variable, as secrets of operators have them.
func TestRow120_BrokersOfOneVariable(t *testing.T) {
	t.Setenv("WALPOST_TEST_BROKERS", "a:9092, b:9092,[::1]:9092\n")
	text := "name: orders\npostgres: {url: \"postgres://walpost@localhost/shop\"}\nkafka: {brokers: [\"${WALPOST_TEST_BROKERS}\", " +
		"\"c:9092\"]}\n"
	cfg, err := config.Parse("x.yaml", []byte(text))
	if err != nil || strings.Join(cfg.Kafka.Brokers, " ") != "a:9092 b:9092 [::1]:9092 c:9092" {
		t.Errorf("%v", err)
	}
	if _, err := config.Parse("x.yaml", []byte(strings.Replace(text, "\"c:9092\"", "\"c:9092,d:9092\"", 1))); err == nil {
		t.Error("without a reference an item is one broker")
	}
}

func TestExpansion(t *testing.T) {
	t.Setenv("SET", "x${EMPTY}")
	t.Setenv("EMPTY", "")
	for text, want := range map[string]string{
		"plain $SET $$ $": "plain $SET $$ $", "${SET}": "x${EMPTY}", "a${SET}b${SET}": "ax${EMPTY}bx${EMPTY}", "${EMPTY}": "",
		"${EMPTY:-d}": "d", "${WALPOST_TEST_NOT_SET:-a:-b}": "a:-b", "${WALPOST_TEST_NOT_SET:-}": "",
		"$${SET}": "${SET}", "a$${": "a${", "$$${SET}": "$${SET}",
		"${SET:-d}": "x${EMPTY}",
	} {
		if got := reveal(t, config.NewSecret(text)); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"${WALPOST_TEST_NOT_SET}":          "environment variable WALPOST_TEST_NOT_SET is not set",
		"${1a}":                            "a reference is",
		"${a b}":                           "a reference is",
		"${SET":                            "without its }",
		"${file:/dev/zero}":                "larger than 1MiB",
		"${file:}":                         "names no file",
		"${WALPOST_TEST_NOT_SET}${file:/}": "is not set",
	} {
		if _, err := config.NewSecret(text).Reveal(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]config.Size{
		"0": 0, "1": 1, "1B": 1, "1KiB": 1024, "16MiB": 16 << 20, "2GiB": 2 << 30, "900KB": 900_000, "1MB": 1_000_000, "3GB": 3_000_000_000,
		"9223372036854775807": math.MaxInt64, "8589934591GiB": math.MaxInt64 &^ (1<<30 - 1),
	} {
		got, err := config.ParseSize(text)
		if err != nil || got != want {
			t.Errorf("%s: got %d, %v", text, got, err)
		}
		if again, err := config.ParseSize(got.String()); err != nil || again != want {
			t.Errorf("%s is written as %s", text, got)
		}
	}
	for _, text := range []string{
		"", "MiB", "-1", "+1", "1.5MiB", "1 MiB", "1mib", "1M", "1e3", "9223372036854775808", "8589934592GiB", "1MiB\n",
	} {
		if got, err := config.ParseSize(text); err == nil {
			t.Errorf("%q: got %d", text, got)
		}
	}
}
