package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// screen is where the show is written: lines that stay, and below them one that changes. On a terminal that one is
// redrawn; elsewhere it becomes a plain line about once a second. There is colour on a terminal only.
type screen struct {
	terminal, colour bool

	mu    sync.Mutex
	w     io.Writer
	live  string    // the line that changes, where it is shown now
	plain time.Time // when it was last written as a plain line
	last  string    // that line
}

func newScreen(w io.Writer) *screen {
	terminal := isTerminal(w)
	_, noColour := os.LookupEnv("NO_COLOR") // no-color.org
	return &screen{w: w, terminal: terminal, colour: terminal && !noColour}
}

// isTerminal reports whether w is a terminal, which a person reads.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// clearLine goes to the line's beginning and empties it.
const clearLine = "\r\x1b[K"

// say writes a line, or several, that stay.
func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := fmt.Sprintf(format, args...) + "\n"
	if s.live != "" {
		text = clearLine + text + s.live
	}
	s.write(text)
}

// redraw shows the line that changes.
func (s *screen) redraw(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.terminal {
		s.live = line
		s.write(clearLine + line)
		return
	}
	if now := time.Now(); now.Sub(s.plain) >= time.Second {
		s.plain, s.last = now, line
		s.write(line + "\n")
	}
}

// settle lets the line that changes stay as it is now.
func (s *screen) settle(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live != "" {
		s.write(clearLine)
		s.live = ""
	}
	if s.last != line { // it may just have been written
		s.write(line + "\n")
	}
}

// freeze leaves the line that changes as it is shown, if there is one.
func (s *screen) freeze() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live != "" {
		s.live = ""
		s.write("\n")
	}
}

// write ignores errors: a show whose audience has gone goes on to its verdict, which is the exit status.
func (s *screen) write(text string) { _, _ = io.WriteString(s.w, text) }

// headline leaves a line free, and says something in bold.
func (s *screen) headline(text string) {
	s.say("")
	s.say("%s", s.bold(text))
}

func (s *screen) green(text string) string { return s.paint("32", text) }
func (s *screen) red(text string) string   { return s.paint("31", text) }
func (s *screen) bold(text string) string  { return s.paint("1", text) }

func (s *screen) paint(code, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// indented is a writer of whole lines, each set in a little.
func (s *screen) indented() io.Writer { return indenter{s} }

type indenter struct{ s *screen }

func (i indenter) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		i.s.say("  %s", strings.TrimRight(line, "\n"))
	}
	return len(p), nil
}

// number writes an integer with commas: 12,345.
func number[T int | int64](n T) string {
	text := strconv.FormatInt(int64(n), 10)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// seconds writes a duration for people: 1.4 s.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
