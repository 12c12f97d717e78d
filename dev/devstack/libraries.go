package devstack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// What the functions below return where something is missing that cannot be installed.
var (
	ErrNoPython = errors.New("no Python with pip found: install Python 3.9 or newer (Debian: python3 python3-pip)")
	ErrNoNode   = errors.New("no Node.js with npm found: install Node.js 18 or newer (Debian: nodejs npm)")
)

// FindJars returns the java program and a folder with the jars of artifacts, group:artifact:version,
// and of what they depend on. Maven fetches them the first time.
func FindJars(ctx context.Context, progress io.Writer, artifacts ...string) (java, folder string, err error) {
	if java, err = findJava(ctx, progress); err != nil {
		return "", "", err
	}
	folder, err = cached(ctx, libraries("jars", artifacts), func(ctx context.Context, dir string) error {
		if !installed("mvn") {
			if err := aptInstall(ctx, progress, "maven"); err != nil {
				return fmt.Errorf("%w (%w)", ErrNoMaven, err)
			}
		}
		say(progress, "fetching %s with Maven", strings.Join(artifacts, ", "))
		var pom strings.Builder
		pom.WriteString(pomHead)
		for _, a := range artifacts {
			part := strings.Split(a, ":")
			fmt.Fprintf(&pom, "    <dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>\n",
				part[0], part[1], part[2])
		}
		pom.WriteString(pomFoot)
		file := filepath.Join(dir, "pom.xml")
		if err := os.WriteFile(file, []byte(pom.String()), 0o600); err != nil {
			return err
		}
		return maven(ctx, dir, "-f", file, "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+dir)
	})
	return java, folder, err
}

// pythonTag prints the version for which packages with compiled parts are made, such as cpython-311.
const pythonTag = "import sys; print(sys.implementation.cache_tag)"

// FindPython returns the python3 program and a folder for PYTHONPATH that has packages, name==version.
// pip fetches them the first time, for this version of Python.
func FindPython(ctx context.Context, progress io.Writer, packages ...string) (python, folder string, err error) {
	if !installed("python3") {
		if err := aptInstall(ctx, progress, "python3", "python3-pip"); err != nil {
			return "", "", fmt.Errorf("%w (%w)", ErrNoPython, err)
		}
	}
	if python, err = exec.LookPath("python3"); err != nil {
		return "", "", err
	}
	tag, err := exec.CommandContext(ctx, python, "-c", pythonTag).Output()
	if err != nil {
		return "", "", fmt.Errorf("version of %s: %w", python, err)
	}
	folder, err = cached(ctx, libraries(strings.TrimSpace(string(tag)), packages), func(ctx context.Context, dir string) error {
		if client(ctx, "/", python, "-m", "pip", "--version") != nil {
			if err := aptInstall(ctx, progress, "python3-pip"); err != nil {
				return fmt.Errorf("%w (%w)", ErrNoPython, err)
			}
		}
		say(progress, "fetching %s with pip", strings.Join(packages, ", "))
		return download(ctx, dir, append([]string{python, "-m", "pip", "install", "--quiet", "--target", dir}, packages...)...)
	})
	return python, folder, err
}

// FindNode returns the node program and a folder with packages, name@version, in its node_modules. npm
// fetches them the first time.
func FindNode(ctx context.Context, progress io.Writer, packages ...string) (node, folder string, err error) {
	if !installed("node") {
		if err := installNode(ctx, progress); err != nil {
			return "", "", err
		}
	}
	if node, err = exec.LookPath("node"); err != nil {
		return "", "", err
	}
	folder, err = cached(ctx, libraries("node", packages), func(ctx context.Context, dir string) error {
		if !installed("npm") {
			if err := installNode(ctx, progress); err != nil {
				return err
			}
		}
		say(progress, "fetching %s with npm", strings.Join(packages, ", "))
		argv := []string{"npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", dir}
		return download(ctx, dir, append(argv, packages...)...)
	})
	return node, folder, err
}

func installNode(ctx context.Context, progress io.Writer) error {
	if err := aptInstall(ctx, progress, "nodejs", "npm"); err != nil {
		return fmt.Errorf("%w (%w)", ErrNoNode, err)
	}
	return nil
}

// libraries is the name in the cache of a list of packages.
func libraries(language string, list []string) string {
	sum := sha256.Sum256([]byte(strings.Join(list, "\n")))
	return language + "-" + hex.EncodeToString(sum[:6])
}
