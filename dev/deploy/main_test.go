package deploy_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(clitest.Main(m, &stack)) }

// root is the project's folder, seen from this package's.
const root = "../.."

// read returns the text of a file of the project.
func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tool is the path of a program that a Debian package has. A machine without it
// cannot say that the files are right, so the test fails there.
func tool(t *testing.T, program, debianPackage string) string {
	t.Helper()
	devstacktest.SkipShort(t, program)
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is not installed: apt-get install %s", program, debianPackage)
	}
	return path
}

// run runs a program in a folder of the project and fails the test with what it
// wrote.
func run(t *testing.T, folder, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = filepath.Join(root, folder)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out.String())
	}
	return out.String()
}
