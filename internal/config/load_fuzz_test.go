package config_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/config"
)

// FuzzLoad: any bytes give a configuration that can be printed, or faults with
// places inside the file, one line each.
func FuzzLoad(f *testing.F) {
	setEnvironment(f)
	for _, pattern := range []string{"*.bad.yaml", "*.good.yaml"} {
		for _, file := range glob(f, pattern) {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add([]byte("name: &a [*a]\npostgres: *a\n"))
	f.Add([]byte("{{{{{{{{{{{{[[[[[[[[[[[[[["))
	f.Add([]byte("name: x\noutbox: {headers: {\"a\\nb\": 1}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Contains(data, []byte("file:")) {
			return // no reading of files that the fuzzer makes up
		}
		cfg, err := config.Parse("f", data)
		if err == nil {
			if err := config.Print(&bytes.Buffer{}, cfg); err != nil {
				t.Fatal(err)
			}
			return
		}
		faults := faultsOf(t, "f", data)
		if lines := strings.Count(err.Error(), "\n") + 1; lines != len(faults) {
			t.Errorf("%d faults on %d lines: %q", len(faults), lines, err.Error())
		}
		for _, fault := range faults {
			if fault.Line < 1 ||
				fault.Line > bytes.Count(data, []byte("\n"))+bytes.Count(data, []byte("\r"))+bytes.Count(data, []byte("\u0085"))+
					bytes.Count(data, []byte("\u2028"))+bytes.Count(data, []byte("\u2029"))+2 || fault.Column < 1 {
				t.Errorf("a place outside of the file: %v", fault)
			}
		}
	})
}
