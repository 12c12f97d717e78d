package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// The pictures of the documentation are those that the source draws.
func TestPicturesAreDrawnFromTheSource(t *testing.T) {
	t.Parallel()
	drawn := files()
	for name, text := range drawn {
		file, err := os.ReadFile(filepath.Join(root, "docs", "pictures", name))
		if err != nil || string(file) != text {
			t.Errorf("docs/pictures/%s is not what dev/picture draws (%v): make pictures", name, err)
		}
	}
	there, err := filepath.Glob(filepath.Join(root, "docs", "pictures", "*.svg"))
	if err != nil || len(there) != len(drawn) {
		t.Errorf("docs/pictures has %d files, and %d are drawn: %v", len(there), len(drawn), err)
	}
}

// Each picture is well-formed XML.
func TestPicturesAreXML(t *testing.T) {
	t.Parallel()
	for name, text := range files() {
		for d := xml.NewDecoder(strings.NewReader(text)); ; {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}
