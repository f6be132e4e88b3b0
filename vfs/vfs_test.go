package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"syscall"
	"testing"

	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/vfs/osfs"
	"github.com/pgmini/pgmini/vfs/powerfail"
)

// TestImplementations holds the three file systems to the same behaviour.
func TestImplementations(t *testing.T) {
	for name, f := range map[string]vfs.FS{"osfs": osfs.New(t.TempDir()), "memfs": memfs.New(), "powerfail": powerfail.New()} {
		t.Run(name, func(t *testing.T) {
			names(t, f)
			bytesOf(t, f)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("got %v, want %v", err, target)
	}
}

func names(t *testing.T, f vfs.FS) {
	_, err := f.Open("a", vfs.Read)
	want(t, err, fs.ErrNotExist)
	want(t, err, syscall.ENOENT)
	want(t, f.Mkdir("x/y"), fs.ErrNotExist)
	must(t, vfs.MkdirAll(f, "x/y"))
	must(t, vfs.MkdirAll(f, "x/y"))
	want(t, f.Mkdir("x"), fs.ErrExist)
	must(t, vfs.WriteFile(f, "x/y/b", []byte("b")))
	must(t, vfs.WriteFile(f, "x/y/a", []byte("a")))
	_, err = f.Open("x/y/a", vfs.Write|vfs.Create|vfs.Excl)
	want(t, err, fs.ErrExist)
	must(t, f.Symlink("x/y", "l"))
	to, err := f.Readlink("l")
	must(t, err)
	list, err := f.List("l")
	must(t, err)
	if to != "x/y" || len(list) != 2 || list[0].Name() != "a" || list[1].IsDir() {
		t.Errorf("link to %s, list %v", to, list)
	}
	st, err := f.Lstat("l")
	must(t, err)
	if st.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("a link has mode %v", st.Mode())
	}
	must(t, f.Rename("l/a", "l/b"))
	if b, err := vfs.ReadFile(f, "x/y/b", 10); err != nil || string(b) != "a" {
		t.Errorf("renamed: %q %v", b, err)
	}
	if _, err := vfs.ReadFile(f, "x/y/b", 0); err == nil {
		t.Error("a file over the limit was read")
	}
	want(t, f.Remove("x"), syscall.ENOTEMPTY)
	must(t, f.SyncDir("x"))
	must(t, f.Chmod("x/y/b", 0o640))
	if st, err := f.Stat("x/y/b"); err != nil || st.Mode().Perm() != 0o640 || st.Size() != 1 {
		t.Errorf("%v %v", st, err)
	}
	must(t, vfs.DurableReplace(f, "x/state", []byte("1")))
	must(t, vfs.DurableRename(f, "x/state", "state"))
	must(t, vfs.RemoveAll(f, "x"))
	must(t, vfs.RemoveAll(f, "x"))
	_, err = f.Stat("l")
	want(t, err, fs.ErrNotExist)
	must(t, f.Remove("l"))
	c, err := f.Lock("pid")
	must(t, err)
	_, err = f.Lock("pid")
	want(t, err, vfs.ErrLocked)
	must(t, c.Close())
	c, err = f.Lock("pid")
	must(t, err)
	must(t, c.Close())
}

func bytesOf(t *testing.T, f vfs.FS) {
	h, err := f.Open("f", vfs.Write|vfs.Create)
	must(t, err)
	defer h.Close()
	_, err = h.WriteAt([]byte("abc"), 5)
	must(t, err)
	b := make([]byte, 10)
	n, err := h.ReadAt(b, 0)
	if n != 8 || !errors.Is(err, io.EOF) || string(b[:8]) != "\x00\x00\x00\x00\x00abc" {
		t.Errorf("read %d %q %v", n, b, err)
	}
	must(t, h.Truncate(6))
	must(t, h.Truncate(8))
	if n, _ := h.ReadAt(b, 0); n != 8 || string(b[5:8]) != "a\x00\x00" {
		t.Errorf("cut bytes came back: %q", b[:n])
	}
	must(t, h.Preallocate(0, 4))
	must(t, h.Preallocate(4, 10))
	if size, err := h.Size(); size != 14 || err != nil {
		t.Errorf("size %d %v", size, err)
	}
	must(t, errors.Join(h.Sync(), h.Datasync(), h.WriteBack(0, 14), h.Prefetch(0, 14)))
	r, err := f.Open("f", vfs.Read)
	must(t, err)
	defer r.Close()
	if _, err := r.WriteAt(b, 0); err == nil {
		t.Error("a file open for reading was written")
	}
	must(t, f.Remove("f"))
	if n, err := h.ReadAt(b[:1], 5); n != 1 || err != nil || b[0] != 'a' {
		t.Errorf("a removed file that is open: %d %v %q", n, err, b[0])
	}
}
