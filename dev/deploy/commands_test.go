package deploy_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/cli"
)

// wantCommand fails the test unless walpost has the command that the arguments
// name, with these flags: asked for help with them, it gives that command's.
func wantCommand(t *testing.T, where string, args ...string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := cli.Main(append(slices.Clone(args), "--help"), strings.NewReader(""), &out, &errs)
	usage := "walpost"
	for _, word := range args {
		if strings.HasPrefix(word, "-") {
			break
		}
		usage += " " + word
	}
	if code != 0 || !strings.Contains(out.String(), "\n  "+usage+" ") && !strings.Contains(out.String(), "\n  "+usage+"\n") {
		t.Errorf("%s: walpost %s: exit code %d, %s", where, strings.Join(args, " "), code, errs.String())
	}
}

var (
	inline = regexp.MustCompile("`(?:bin/)?walpost ([^`]+)`")
	typed  = regexp.MustCompile(`(?m)^(?:\$ )?(?:bin/)?walpost ([^#|\n]+)`)
)

// What the pages and the alerts say to type is there.
func TestCommandsInDocsExist(t *testing.T) {
	t.Parallel()
	for _, file := range append(pages(t), rulesFile) {
		text := read(t, file)
		found := inline.FindAllStringSubmatch(text, -1)
		for _, b := range blocks(text) {
			found = append(found, typed.FindAllStringSubmatch(b.text, -1)...)
		}
		for _, f := range found {
			wantCommand(t, file, strings.Fields(f[1])...)
		}
	}
}

// block is a fenced block of a page.
type block struct{ language, text string }

var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

func blocks(text string) []block {
	var list []block
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		list = append(list, block{m[1], m[2]})
	}
	return list
}
