package config_test

import (
	"encoding/json"
	"fmt"
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
