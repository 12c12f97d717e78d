//go:build faults && root

package faults_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
)

// The disk of pg_wal is full (a small file system, which only root can mount):
// commits fail or the server goes down, and what was committed passes; with room
// again everything goes on.
func TestRow16_DiskFull(t *testing.T) {
	t.Parallel()
	server := ownServer(t, 0, map[string]string{"min_wal_size": "32MB", "max_wal_size": "48MB"})
	if err := server.Stop(t.Context(), devstack.StopFast); err != nil {
		t.Fatal(err)
	}
	wal := filepath.Join(server.DataDir(), "pg_wal")
	small(t, wal, 96<<20)
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := newHarnessOn(t, server, nil)
	h.Start(t)
	h.sample(t)
	h.Exec(t, inserts(1, 100), "CREATE TABLE busy (x text)")
	h.Confirmed(t)
	ballast := filepath.Join(wal, "ballast")
	fill(t, ballast)
	var failed error
	for i := range 50 {
		_, err := h.DB.Conn.Exec(t.Context(), "WITH e AS ("+inserts(1000+10*i, 1009+10*i)+
			") INSERT INTO busy SELECT repeat('x', 1000) FROM generate_series(1, 2000)")
		if failed = err; failed != nil {
			break
		}
	}
	if failed == nil {
		t.Fatal("the disk was not full")
	}
	t.Logf("a commit fails: %v", failed)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if h.DB.Conn.IsClosed() { // Postgres panics when WAL cannot be written
		if err := server.Kill(t.Context()); err != nil {
			t.Logf("the server had ended: %v", err)
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.Reconnect(t, server)
	}
	h.Exec(t, inserts(2001, 2100))
	h.Confirmed(t)
	h.judge(t)
	h.Stop(t)
}

// small moves a folder to a file system of its own of so many bytes.
func small(t *testing.T, dir string, bytes int64) {
	t.Helper()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("no owner of ", dir)
	}
	before := dir + ".before"
	if err := os.Rename(dir, before); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	options := "mode=0700,size=" + strconv.FormatInt(bytes, 10) + ",uid=" + strconv.Itoa(int(owner.Uid)) + ",gid=" +
		strconv.Itoa(int(owner.Gid))
	if err := syscall.Mount("walpost", dir, "tmpfs", 0, options); err != nil {
		t.Fatalf("mount: %v", err)
	}
	t.Cleanup(func() { // before the server's folder is removed
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if err := os.CopyFS(dir, os.DirFS(before)); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := os.FileMode(0o600)
		if d.IsDir() {
			mode = 0o700
		}
		return errors.Join(os.Chmod(path, mode), os.Lchown(path, int(owner.Uid), int(owner.Gid)))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// fill writes a file until the file system is full.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
