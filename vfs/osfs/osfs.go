// Package osfs is the vfs.FS of the operating system. Files are made with mode
// 0600 and directories with 0700, as PostgreSQL does.
package osfs

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pgmini/pgmini/vfs"
)

// FS is a tree of files below a root directory.
type FS struct{ root string }

var _ vfs.FS = FS{}

// New returns the tree below root. Relative names are below it; absolute names
// are taken as they are.
func New(root string) FS { return FS{root} }

func (f FS) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(f.root, filepath.FromSlash(name))
}

// Open opens or makes a file.
func (f FS) Open(name string, flag vfs.Flag) (vfs.File, error) {
	mode := os.O_RDONLY
	if flag&(vfs.Write|vfs.Create|vfs.Trunc) != 0 {
		mode = os.O_RDWR
	}
	if flag&vfs.Create != 0 {
		mode |= os.O_CREATE
	}
	if flag&vfs.Excl != 0 {
		mode |= os.O_EXCL
	}
	if flag&vfs.Trunc != 0 {
		mode |= os.O_TRUNC
	}
	h, err := openFile(f.path(name), mode)
	if err != nil {
		return nil, err
	}
	return &file{h, name}, nil
}

// Mkdir makes one directory.
func (f FS) Mkdir(name string) error { return os.Mkdir(f.path(name), 0o700) }

// Remove removes a file or an empty directory.
func (f FS) Remove(name string) error { return os.Remove(f.path(name)) }

// Rename moves a name, replacing a file of the new name.
func (f FS) Rename(from, to string) error { return os.Rename(f.path(from), f.path(to)) }

// Symlink makes a symbolic link.
func (f FS) Symlink(target, name string) error { return os.Symlink(target, f.path(name)) }

// Readlink reads a symbolic link.
func (f FS) Readlink(name string) (string, error) { return os.Readlink(f.path(name)) }

// Stat describes what a name leads to.
func (f FS) Stat(name string) (fs.FileInfo, error) { return os.Stat(f.path(name)) }

// Lstat describes a name.
func (f FS) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(f.path(name)) }

// List returns the entries of a directory.
func (f FS) List(dir string) ([]fs.DirEntry, error) { return os.ReadDir(f.path(dir)) }

// Chmod sets the permission bits.
func (f FS) Chmod(name string, mode fs.FileMode) error { return os.Chmod(f.path(name), mode) }

// SyncDir makes the names in a directory durable.
func (f FS) SyncDir(name string) error {
	d, err := os.Open(f.path(name))
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync directory %q: %w", name, err)
	}
	return nil
}

// Lock takes flock on name.
func (f FS) Lock(name string) (io.Closer, error) {
	h, err := os.OpenFile(f.path(name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(h); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

type file struct {
	*os.File
	name string
}

func (h *file) Name() string { return h.name }

func (h *file) Size() (int64, error) {
	st, err := h.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}
