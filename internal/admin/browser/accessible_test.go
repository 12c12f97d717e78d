package browser_test

import (
	_ "embed"
	"testing"
)

//go:embed testdata/accessible.js
var accessibleJS string

// accessible fails the test for what keeps somebody from reading the page: missing
// landmarks, headings out of order, names that a screen reader needs, and text with
// less contrast than WCAG 2 asks for (AA: 4.5, large text 3).
func (b *browser) accessible(t *testing.T, scheme string) {
	t.Helper()
	found := evaluate[struct {
		Faults  []string
		Checked int
	}](t, b, accessibleJS)
	if found.Checked < 50 {
		t.Errorf("%s: the contrast of %d texts was looked at: too few", scheme, found.Checked)
	}
	for _, fault := range found.Faults {
		t.Errorf("%s: %s", scheme, fault)
	}
}
