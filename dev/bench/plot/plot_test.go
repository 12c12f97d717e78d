package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestSVG(t *testing.T) {
	c := Chart{Title: "a < b", Panels: []Panel{
		{Title: "bars", Categories: []string{"one", "the second one"}, Series: []Series{{"x", []float64{1.5, math.NaN()}}}, Reference: 1},
		{
			Title: "points", Categories: []string{"one", "two"}, Series: []Series{{"x", []float64{2, 3000}}, {"y", []float64{0.5, 0}}},
			Log: true,
		},
		{Title: "empty", Categories: []string{"one"}, Series: []Series{{"x", []float64{math.NaN()}}}},
	}}
	text := c.SVG()
	count := map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
		if e, ok := token.(xml.StartElement); ok {
			count[e.Name.Local]++
		}
	}
	if count["circle"] != 3 { // the value 0 has no place on a logarithmic scale
		t.Errorf("%d points, want 3", count["circle"])
	}
	if bars := count["rect"] - 1 - 4; bars != 1 { // less paper and legends
		t.Errorf("%d bars, want 1: a missing value has none", bars)
	}
	for _, want := range []string{"a &lt; b", "prefers-color-scheme: dark", "the", "1.5"} {
		if !strings.Contains(text, want) {
			t.Errorf("the SVG lacks %q", want)
		}
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Error("a coordinate is no number")
	}
}

func TestScales(t *testing.T) {
	for _, s := range []scale{linear(2.15), linear(0.4), linear(130000), logarithmic(1.5, 900)} {
		if len(s.ticks) < 3 || len(s.ticks) > 12 {
			t.Errorf("ticks %v, want 3 to 12", s.ticks)
		}
		for _, tick := range s.ticks {
			if y := s.y(tick); y < top-1 || y > top+plotHeight+1 {
				t.Errorf("tick %v of %v lies outside: %v", tick, s.high, y)
			}
		}
	}
	for v, want := range map[float64]string{2: "2", 1.234: "1.23", 0.0123: "0.012", 1234.5: "1234"} {
		if got := number(v); got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
	}
}
