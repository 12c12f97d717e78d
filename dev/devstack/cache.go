package devstack

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// CacheEnv names the environment variable that overrides the folder for fetched servers.
const CacheEnv = "WALPOST_CACHE"

// rootCache is root's cache: the home of root is usually closed to the account that Postgres runs under.
const rootCache = "/var/cache/walpost"

// cacheDir is the folder for fetched servers: $WALPOST_CACHE, else walpost in the user's cache folder, for root
// /var/cache/walpost.
func cacheDir() (string, error) {
	if dir := os.Getenv(CacheEnv); dir != "" {
		return filepath.Abs(dir)
	}
	if os.Geteuid() == 0 {
		return rootCache, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cache folder: %w; set %s", err, CacheEnv)
	}
	return filepath.Join(dir, "walpost"), nil
}

// cached returns the folder name in the cache, or in the one that root has filled. If it is
// missing, fetch fills a temporary folder that is then renamed, so an interrupted fetch
// leaves nothing half done. A lock makes other processes wait for the one that fetches.
func cached(ctx context.Context, name string, fetch func(ctx context.Context, dir string) error) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, name)
	if isDir(dir) {
		return dir, nil
	}
	if shared := filepath.Join(rootCache, name); os.Getenv(CacheEnv) == "" && isDir(shared) {
		return shared, nil // root has fetched it, and everybody can read it
	}
	if err := makeOpen(cache); err != nil {
		return "", fmt.Errorf("cache folder: %w; set %s", err, CacheEnv)
	}
	unlock, err := lock(ctx, dir+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if isDir(dir) {
		return dir, nil // fetched while we waited
	}
	return dir, fill(ctx, dir, fetch)
}

// fill lets fetch fill a folder beside dir, which then becomes dir.
func fill(ctx context.Context, dir string, fetch func(ctx context.Context, dir string) error) error {
	fresh, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".part-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	if err := os.Chmod(fresh, 0o755); err != nil { //nolint:gosec // other accounts run what is in it
		return err
	}
	if err := fetch(ctx, fresh); err != nil {
		return err
	}
	return os.Rename(fresh, dir)
}

// makeOpen creates a folder that every account can enter, whatever our umask is. One that
// is there stays as it is.
func makeOpen(dir string) error {
	if isDir(dir) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // other accounts run what is in it
		return err
	}
	return os.Chmod(dir, 0o755) //nolint:gosec // the same
}

// lock waits for the exclusive lock of a file and returns what gives it back. The kernel gives it back for a process
// that dies.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = poll(ctx, func() error {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("%w: lock %s: %w", errGiveUp, path, err)
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// say writes a line of progress.
func say(w io.Writer, format string, args ...any) {
	if w != nil {
		_, _ = fmt.Fprintf(w, format+"\n", args...) // progress is not worth failing for
	}
}

// client runs a package client in dir; when it fails, the error has what it printed.
func client(ctx context.Context, dir string, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the callers' commands are constants
	cmd.Dir = dir
	cmd.WaitDelay = pollEvery // a child of it may hold the pipe
	out, err := cmd.CombinedOutput()
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		command := strings.ReplaceAll(strings.Join(argv, " "), aptScript, "apt.sh")
		return fmt.Errorf("%s: %w: %s", command, err, strings.TrimSpace(string(out[max(0, len(out)-tailBytes):])))
	}
	return nil
}

// patience is how long a download may take, with all of its attempts. Maven waits without limit for a server that takes
// the connection and does not answer.
const patience = 15 * time.Minute

// download is client for one that asks the network, which may fail once.
func download(ctx context.Context, dir string, argv ...string) error {
	return downloadWithin(ctx, patience, dir, argv...)
}

func downloadWithin(ctx context.Context, limit time.Duration, dir string, argv ...string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not finished after %s: does this machine reach the server?", limit))
	defer cancel()
	var err error
	for _, pause := range []time.Duration{0, 2 * time.Second, 10 * time.Second, 30 * time.Second} {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
		if err = client(ctx, dir, argv...); err == nil {
			return nil
		}
	}
	return err
}

// maven is download for Maven, whose own folder is not made for two that fetch at the same time.
func maven(ctx context.Context, dir string, argv ...string) error {
	unlock, err := lock(ctx, filepath.Join(filepath.Dir(dir), "maven.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	return download(ctx, dir, append([]string{"mvn", "-q", "-B"}, argv...)...)
}

//go:embed apt.sh
var aptScript string

// aptInstall installs Debian packages; only root can.
func aptInstall(ctx context.Context, progress io.Writer, packages ...string) error {
	if os.Geteuid() != 0 || !installed("apt-get") {
		return errors.New("apt-get needs root")
	}
	unlock, err := lock(ctx, filepath.Join(tempParent, "walpost-apt.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	say(progress, "installing %s with apt-get", strings.Join(packages, ", "))
	return client(ctx, "/", append([]string{"/bin/sh", "-c", aptScript, "apt"}, packages...)...)
}

func installed(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
