package deploy_test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	from     = regexp.MustCompile(`(?m)^FROM (?:--platform=\S+ )?(\S+) AS (\S+)$`)
	checks   = regexp.MustCompile(`(?m)^HEALTHCHECK (.*)CMD (\[.*\])$`)
	outputs  = regexp.MustCompile(`-o (\S+) (\./\S+)`)
	copies   = regexp.MustCompile(`(?m)^COPY --from=build (\S+) (\S+)$`)
	defaults = regexp.MustCompile(`(?m)^CMD (\[.*\])$`)
)

// dockerStages are the names of the Dockerfile's stages.
func dockerStages(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, m := range from.FindAllStringSubmatch(read(t, "Dockerfile"), -1) {
		names = append(names, m[2])
	}
	return names
}

// healthCommand are walpost's arguments of the image's health check.
func healthCommand(t *testing.T) []string {
	t.Helper()
	m := checks.FindStringSubmatch(read(t, "Dockerfile"))
	if m == nil {
		t.Fatal("the Dockerfile has no HEALTHCHECK")
	}
	return list(t, m[2])
}

// list reads the exec form of a command of walpost's and leaves the binary out.
func list(t *testing.T, text string) []string {
	t.Helper()
	var words []string
	if err := json.Unmarshal([]byte(text), &words); err != nil {
		t.Fatal(err)
	}
	if words[0] == "/walpost" {
		return words[1:]
	}
	return words
}

// Modules are downloaded before the code is copied, and go.work names those of this project.
func TestDockerfileCopiesEachModule(t *testing.T) {
	t.Parallel()
	before, _, _ := strings.Cut(read(t, "Dockerfile"), "\nRUN go mod download\n")
	for folder := range strings.FieldsSeq(regexp.MustCompile(`(?s)use \((.*?)\)`).FindStringSubmatch(read(t, "go.work"))[1]) {
		for _, name := range []string{"go.mod", "go.sum"} {
			if !exists(filepath.Join(folder, name)) {
				continue
			}
			if copied := regexp.MustCompile(`(?m)^COPY .*\b` + filepath.Join(folder, name) + ` `); !copied.MatchString(before) {
				t.Errorf("%s of %s is not copied before modules are downloaded", name, folder)
			}
		}
	}
}

func TestDockerfile(t *testing.T) {
	t.Parallel()
	text := read(t, "Dockerfile")
	stages := dockerStages(t)
	if stages[len(stages)-1] != "walpost" {
		t.Errorf("without a target, the image is %s", stages[len(stages)-1])
	}
	for _, m := range from.FindAllStringSubmatch(text, -1) {
		if m[1] != "scratch" && !pinned.MatchString(m[1]) {
			t.Errorf("image %s is not pinned", m[1])
		}
		_, stage, _ := strings.Cut(text, " AS "+m[2]+"\n")
		stage, _, _ = strings.Cut(stage, "\nFROM ")
		if m[1] == "scratch" && !strings.Contains(stage, "\nUSER 65532:65532\n") {
			t.Errorf("stage %s runs as root", m[2])
		}
	}
	built := []string{"/etc/ssl/certs/ca-certificates.crt"} // of the build image
	for _, m := range outputs.FindAllStringSubmatch(text, -1) {
		built = append(built, m[1])
		if code := read(t, m[2], "main.go"); !strings.Contains(code, "package main") {
			t.Errorf("%s is no program", m[2])
		}
	}
	for _, m := range copies.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(built, m[1]) {
			t.Errorf("%s is copied, and not built", m[1])
		}
	}
	wantCommand(t, "HEALTHCHECK", healthCommand(t)...)
	wantCommand(t, "CMD", list(t, defaults.FindStringSubmatch(text)[1])...)
	if strings.Count(text, "CGO_ENABLED=0") != len(built)-1 {
		t.Error("a binary is not static")
	}
}
