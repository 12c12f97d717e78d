package main

import (
	"fmt"
	"html"
	"strings"
)

// theme is the colours of a page: GitHub's, whose README chooses between them.
type theme struct {
	name                                     string
	paper, zone, box, text, muted, way, back string
}

func light() theme {
	return theme{
		name: "light", paper: "#ffffff", zone: "#f6f8fa", box: "#ffffff", text: "#1f2328", muted: "#59636e",
		way: "#0550ae", back: "#bf5a00",
	}
}

func dark() theme {
	return theme{
		name: "dark", paper: "#0d1117", zone: "#151b23", box: "#0d1117", text: "#e6edf3", muted: "#9198a1",
		way: "#79c0ff", back: "#ffa657",
	}
}

// point is a place on the canvas, in pixels from its upper left corner.
type point struct{ x, y int }

// area is a rectangle on the canvas.
type area struct{ x, y, w, h int }

// canvas collects the elements of one picture.
type canvas struct {
	theme         theme
	width, height int
	title         string
	body          strings.Builder
}

func (c *canvas) add(format string, args ...any) {
	_, _ = fmt.Fprintf(&c.body, format+"\n", args...) // a strings.Builder takes everything
}

// text writes a line; class is one of the classes of svg, or several.
func (c *canvas) text(p point, class, anchor, text string) {
	c.add(`<text x="%d" y="%d" class="%s" text-anchor="%s">%s</text>`, p.x, p.y, class, anchor, html.EscapeString(text))
}

// zone is the ground under what belongs to one process.
func (c *canvas) zone(a area, name string) {
	c.add(`<rect class="zone" x="%d" y="%d" width="%d" height="%d" rx="10"/>`, a.x, a.y, a.w, a.h)
	c.text(point{a.x + 14, a.y + 22}, "zone-name", "start", name)
}

// room is a box with a name and what it does, a line each.
func (c *canvas) room(a area, name string, lines ...string) {
	c.add(`<rect class="box" x="%d" y="%d" width="%d" height="%d" rx="6"/>`, a.x, a.y, a.w, a.h)
	c.text(point{a.x + 14, a.y + 22}, "name", "start", name)
	for i, line := range lines {
		c.text(point{a.x + 14, a.y + 41 + 17*i}, "does", "start", line)
	}
}

// arrow goes through the points and ends with a head; class is way or back.
func (c *canvas) arrow(class string, points ...point) {
	var path strings.Builder
	for i, p := range points {
		fmt.Fprintf(&path, "%c%d %d", "ML"[min(i, 1)], p.x, p.y)
	}
	c.add(`<path class="%s" d="%s" marker-end="url(#%s)"/>`, class, path.String(), class)
}

// svg returns the picture as a file.
func (c *canvas) svg() string {
	t := c.theme
	style := fmt.Sprintf(`
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: %[1]s; }
  .name, .code { font: 600 14px ui-monospace, SFMono-Regular, Menlo, monospace; } .code { font-weight: 400; font-size: 12px; }
  .zone-name { font-weight: 600; } .does, .zone-name, .note { fill: %[2]s; } .small { font-size: 12px; }
  .zone { fill: %[3]s; stroke: none; } .box { fill: %[4]s; stroke: %[2]s; stroke-width: 1; }
  .way, .back { fill: none; stroke-width: 1.75; } .way { stroke: %[5]s; } .back { stroke: %[6]s; stroke-dasharray: 5 3; }
  .on-way { fill: %[5]s; } .on-back { fill: %[6]s; }
`, t.text, t.muted, t.zone, t.box, t.way, t.back)
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n",
		c.width, c.height, c.width, c.height, html.EscapeString(c.title))
	fmt.Fprintf(&out, "<style>%s</style>\n<defs>\n", style)
	for _, class := range []string{"way", "back"} {
		fmt.Fprintf(&out, `<marker id="%s" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">`+
			`<path class="on-%s" d="M0 0L8 4L0 8z"/></marker>`+"\n", class, class)
	}
	fmt.Fprintf(&out, "</defs>\n"+`<rect fill="%s" width="%d" height="%d"/>`+"\n", t.paper, c.width, c.height)
	return out.String() + c.body.String() + "</svg>\n"
}
