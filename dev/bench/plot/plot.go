// Package plot draws small charts as SVG that suit a light and a dark page.
//
// It knows numbers and their names. It must not know what was measured.
package plot

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Chart is panels side by side under a title.
type Chart struct {
	Title  string
	Panels []Panel
}

// Panel shows series over the same categories: bars from zero, or with Log points on a logarithmic scale.
type Panel struct {
	Title      string
	Categories []string
	Series     []Series // at most as many as there are colours: four
	Log        bool
	Reference  float64 // a dashed line here; 0: none
}

// Series is one value a category; NaN is one that is missing.
type Series struct {
	Name   string
	Values []float64
}

// Sizes in pixels.
const (
	panelWidth, panelHeight = 430, 320
	left, right             = 52, 14
	top, bottom             = 84, 48
	titleHeight             = 34
	plotWidth               = panelWidth - left - right
	plotHeight              = panelHeight - top - bottom
	lineHeight              = 13
)

// The page's own scheme chooses the colours. They differ in lightness too, for eyes that see few colours.
const style = `
  text { font: 11px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; } .panel { font-size: 12px; font-weight: 600; }
  .paper { fill: #ffffff; } .grid { stroke: #d8dee4; } .axis { stroke: #59636e; } .reference { stroke: #59636e; stroke-dasharray: 4 3; }
  .s0 { fill: #0550ae; stroke: #0550ae; } .s1 { fill: #bf5a00; stroke: #bf5a00; }
  .s2 { fill: #6f9f3c; stroke: #6f9f3c; } .s3 { fill: #a475f9; stroke: #a475f9; }
  .line { fill: none; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .paper { fill: #0d1117; } .grid { stroke: #30363d; } .axis, .reference { stroke: #9198a1; }
    .s0 { fill: #79c0ff; stroke: #79c0ff; } .s1 { fill: #ffa657; stroke: #ffa657; }
    .s2 { fill: #7ee787; stroke: #7ee787; } .s3 { fill: #d2a8ff; stroke: #d2a8ff; }
    .line { fill: none; }
  }
`

// drawing collects elements.
type drawing struct{ strings.Builder }

func (d *drawing) add(format string, args ...any) {
	_, _ = fmt.Fprintf(d, format+"\n", args...) // a strings.Builder takes everything
}

func (d *drawing) text(x, y float64, class, anchor, text string) {
	d.add(`<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`, x, y, class, anchor, html.EscapeString(text))
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	d.add(`<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, class, x1, y1, x2, y2)
}

// SVG is the chart as a file.
func (c Chart) SVG() string {
	d := &drawing{}
	width, height := panelWidth*max(1, len(c.Panels)), titleHeight+panelHeight
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`,
		width, height, width, height, html.EscapeString(c.Title))
	d.add(`<style>%s</style>`, style)
	d.add(`<rect class="paper" width="%d" height="%d"/>`, width, height)
	d.text(left, 24, "title", "start", c.Title)
	for i, p := range c.Panels {
		d.add(`<g transform="translate(%d %d)">`, i*panelWidth, titleHeight)
		p.draw(d)
		d.add(`</g>`)
	}
	d.add(`</svg>`)
	return d.String()
}

func (p Panel) draw(d *drawing) {
	s := p.scale()
	d.text(left, 16, "panel", "start", p.Title)
	p.legend(d)
	for _, tick := range s.ticks {
		d.line("grid", left, s.y(tick), panelWidth-right, s.y(tick))
		d.text(left-6, s.y(tick)+4, "", "end", number(tick))
	}
	for i := range p.Series {
		if p.Log {
			p.points(d, s, i)
		} else {
			p.bars(d, s, i)
		}
	}
	if p.Reference > 0 {
		d.line("reference", left, s.y(p.Reference), panelWidth-right, s.y(p.Reference))
	}
	base := float64(panelHeight - bottom)
	d.line("axis", left, base, panelWidth-right, base)
	for i, name := range p.Categories {
		for n, word := range wrap(name) {
			d.text(p.x(i), base+16+float64(n*lineHeight), "", "middle", word)
		}
	}
}

// legend names the series in one or two lines.
func (p Panel) legend(d *drawing) {
	const perLine, column = 3, 122
	for i, s := range p.Series {
		x, y := float64(left+i%perLine*column), float64(36+i/perLine*16)
		d.add(`<rect class="s%d" x="%.1f" y="%.1f" width="9" height="9"/>`, i, x, y-8)
		d.text(x+14, y, "", "start", s.Name)
	}
}

// x is the middle of a category.
func (p Panel) x(category int) float64 {
	return left + plotWidth*(float64(category)+0.5)/float64(len(p.Categories))
}

func (p Panel) bars(d *drawing, s scale, series int) {
	room := plotWidth / float64(len(p.Categories))
	width := min(room*0.7/float64(len(p.Series)), 40)
	for i, v := range p.Series[series].Values {
		if math.IsNaN(v) {
			continue
		}
		x := p.x(i) + width*(float64(series)-float64(len(p.Series))/2)
		d.add(`<rect class="s%d" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, series, x, s.y(v), width-1, s.y(0)-s.y(v))
		d.text(x+width/2, s.y(v)-4, "", "middle", number(v))
	}
}

func (p Panel) points(d *drawing, s scale, series int) {
	var path strings.Builder
	for i, v := range p.Series[series].Values {
		if math.IsNaN(v) || v <= 0 {
			continue
		}
		fmt.Fprintf(&path, "%.1f,%.1f ", p.x(i), s.y(v))
		d.add(`<circle class="s%d" cx="%.1f" cy="%.1f" r="3.5"/>`, series, p.x(i), s.y(v))
	}
	d.add(`<polyline class="s%d line" points="%s"/>`, series, strings.TrimSpace(path.String()))
}

// wrap puts each word of a name on a line, short ones together.
func wrap(name string) []string {
	const longest = 9
	var lines []string
	for word := range strings.FieldsSeq(name) {
		if n := len(lines); n > 0 && len(lines[n-1])+1+len(word) <= longest {
			lines[n-1] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}
