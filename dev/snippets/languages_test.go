package snippets_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
)

// What the tests of other languages fetch, each list once and into the cache folder.
func jars() []string {
	return []string{
		"org.postgresql:postgresql:42.7.7",
		"org.springframework:spring-jdbc:6.2.8",
		"org.springframework:spring-context:6.2.8",
		"org.apache.kafka:kafka-clients:4.1.0",
		"org.slf4j:slf4j-nop:1.7.36",
		"org.eclipse.jdt:ecj:3.42.0", // a compiler, so that a Java without javac does
	}
}

// compile compiles the Java of a folder into it, and returns the java program and a class path.
func compile(t *testing.T, sources string) (java, classes string) {
	t.Helper()
	java, folder, err := devstack.FindJars(t.Context(), t.Output(), jars()...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := filepath.Glob(filepath.Join(folder, "*.jar"))
	if err != nil {
		t.Fatal(err)
	}
	path := strings.Join(list, ":")
	runs(t, exec.CommandContext(t.Context(), java, "-cp", path, "org.eclipse.jdt.internal.compiler.batch.Main",
		"--release", "17", "-nowarn", "-cp", path, "-d", sources, sources))
	return java, sources + ":" + path
}

// pythonWith returns a Python and the variable that lets it find its packages and those of more folders.
func pythonWith(t *testing.T, folders ...string) (python, env string) {
	t.Helper()
	python, packages, err := devstack.FindPython(t.Context(), t.Output(),
		"psycopg[binary]==3.2.13", "confluent-kafka==2.12.2", "kafka-python==2.2.15")
	if err != nil {
		t.Fatal(err)
	}
	return python, "PYTHONPATH=" + strings.Join(append(folders, packages), ":")
}

// nodeWith returns a Node.js and a folder for programs, in which it finds its packages.
func nodeWith(t *testing.T) (node, folder string) {
	t.Helper()
	node, packages, err := devstack.FindNode(t.Context(), t.Output(), "pg@8.16.3", "kafkajs@2.2.4")
	if err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	if err := os.Symlink(filepath.Join(packages, "node_modules"), filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return node, folder
}

// testdata is the path of a file of this package.
func testdata(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// runs waits for a program, which must succeed.
func runs(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}
