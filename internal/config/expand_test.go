package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/config"
)

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
