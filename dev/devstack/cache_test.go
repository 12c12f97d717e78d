package devstack

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestCacheFetchesOnceForAll(t *testing.T) {
	t.Setenv(CacheEnv, t.TempDir())
	var fetches atomic.Int32
	fetch := func(_ context.Context, dir string) error {
		fetches.Add(1)
		return os.WriteFile(filepath.Join(dir, "file"), nil, 0o600)
	}
	var users sync.WaitGroup
	for range 8 {
		users.Go(func() {
			dir, err := cached(t.Context(), "thing", fetch)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := os.Stat(filepath.Join(dir, "file")); err != nil {
				t.Error(err)
			}
		})
	}
	users.Wait()
	if n := fetches.Load(); n != 1 {
		t.Errorf("fetched %d times, want once", n)
	}
}

func TestCacheKeepsNothingOfAFailedFetch(t *testing.T) {
	cache := t.TempDir()
	t.Setenv(CacheEnv, cache)
	broken := errors.New("line cut")
	_, err := cached(t.Context(), "thing", func(_ context.Context, dir string) error {
		return errors.Join(os.WriteFile(filepath.Join(dir, "half"), nil, 0o600), broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	left, _ := filepath.Glob(filepath.Join(cache, "thing*"))
	if len(left) != 1 || !strings.HasSuffix(left[0], ".lock") {
		t.Errorf("left in the cache: %q, want the lock alone", left)
	}
}

// A server that takes the connection and says nothing: the message has the limit, and what the client wrote.
func TestDownloadIsGivenUp(t *testing.T) {
	err := downloadWithin(t.Context(), time.Second, t.TempDir(), "/bin/sh", "-c", "echo asking; exec tail -f /dev/null")
	if err == nil || !strings.Contains(err.Error(), "not finished after 1s") {
		t.Errorf("error %v, want one with the limit", err)
	}
}

func TestMissingProgramsAreNamed(t *testing.T) {
	t.Setenv(CacheEnv, t.TempDir())
	t.Setenv("PATH", t.TempDir()) // nothing to be found, no package client either
	t.Setenv("JAVA_HOME", "")
	if _, err := findJava(t.Context(), nil); !errors.Is(err, ErrNoJava) {
		t.Errorf("java: %v", err)
	}
	if _, err := findKafka(t.Context(), nil); !errors.Is(err, ErrNoMaven) {
		t.Errorf("maven: %v", err)
	}
	_, err := fetchPostgres(t.Context(), 14, nil)
	if err == nil || !strings.Contains(err.Error(), "postgresql-14") {
		t.Errorf("postgres: %v, want the package to install", err)
	}
}
