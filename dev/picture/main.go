// Command picture draws the pictures of the documentation: the way of an event
// and the way of a row. Each is written twice, for a light and for a dark page.
//
// It knows what the pictures say. It must not know the code that they are about.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// pictures returns what this command draws, by the names of their files.
func pictures() map[string]func(*canvas) {
	return map[string]func(*canvas){"event": event, "row": row}
}

// files returns the text of each picture in each theme, by the name of its file.
func files() map[string]string {
	texts := map[string]string{}
	for name, draw := range pictures() {
		for _, t := range []theme{light(), dark()} {
			c := &canvas{theme: t}
			draw(c)
			texts[name+"-"+t.name+".svg"] = c.svg()
		}
	}
	return texts
}

func main() {
	const folder = "docs/pictures"
	for name, text := range files() {
		//nolint:gosec // a page that everybody may read
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1) //nolint:forbidigo // the end of main
		}
	}
}
