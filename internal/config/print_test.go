package config_test

import (
	"bytes"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/config"
)

// What Print writes gives the same configuration, secrets aside.
func TestPrintReadsBack(t *testing.T) {
	setEnvironment(t)
	for _, file := range glob(t, "*.good.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			cfg := load(t, filepath.Base(file))
			var printed bytes.Buffer
			if err := config.Print(&printed, cfg); err != nil {
				t.Fatal(err)
			}
			again, err := config.Parse(cfg.File, printed.Bytes())
			if err != nil {
				t.Fatalf("%v\n%s", err, printed.String())
			}
			again.Postgres.URL, again.Postgres.Password = cfg.Postgres.URL, cfg.Postgres.Password
			if cfg.Kafka.SASL != nil {
				again.Kafka.SASL.Password, again.Kafka.SASL.Token = cfg.Kafka.SASL.Password, cfg.Kafka.SASL.Token
			}
			if !reflect.DeepEqual(again, cfg) {
				t.Errorf("%s\ngot  %+v\nwant %+v", printed.String(), again, cfg)
			}
		})
	}
}

func TestPrintMasksSecrets(t *testing.T) {
	t.Setenv("SECRET", secretText)
	for url, want := range map[string]string{
		"postgres://u:hunter2@h1:1,h2/db?sslmode=disable&sslpassword=hunter2": "" +
			"postgres://u:***@h1:1,h2/db?sslmode=disable&sslpassword=***",
		"postgres://u@h/db?password=hunter2":   "postgres://u@h/db?password=***",
		"postgres://u@h/db?PASSWORD=hunter2":   "postgres://u@h/db?PASSWORD=***",
		"postgres://u@h/db?pass%77ord=hunter2": "postgres://u@h/db?pass%77ord=***",
		"postgres://u:hunter2@h":               "postgres://u:***@h",
		"postgres:///db":                       "postgres:///db",
		"not a url hunter2":                    "'***'",
	} {
		cfg := config.Default()
		cfg.Postgres.URL, cfg.Postgres.Password = config.NewSecret(url), config.NewSecret("hunter2")
		cfg.Kafka.SASL = &config.SASL{Mechanism: "OAUTHBEARER", Password: config.NewSecret("hunter2"), Token: config.NewSecret("${SECRET}")}
		var printed bytes.Buffer
		if err := config.Print(&printed, cfg); err != nil {
			t.Fatal(err)
		}
		if text := printed.String(); !strings.Contains(text, "url: "+want+"\n") || strings.Contains(text, "hunter2") ||
			strings.Count(text, "'***'") < 3 {
			t.Errorf("%s: want %s in\n%s", url, want, text)
		}
	}
}
