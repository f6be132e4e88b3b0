// Package memfs is a vfs.FS in memory: whole servers without a disk. It forgets
// nothing until the process ends, so that it proves nothing about crashes; that
// is vfs/powerfail's work.
//
// Relative and absolute names share one tree: "a/b" is "/a/b".
package memfs

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pgmini/pgmini/vfs"
)

// maxLinks is how many symbolic links one lookup follows.
const maxLinks = 40

// node is a file, a directory or a symbolic link.
type node struct {
	mode   fs.FileMode
	kids   map[string]*node // of a directory
	target string           // of a symbolic link
	mtime  time.Time
	locked bool // guarded by FS.mu, as all but the bytes

	mu   sync.RWMutex // guards data
	data []byte
}

// FS is a tree in memory.
type FS struct {
	mu   sync.RWMutex
	root *node

	space struct { // taken last, under a node's lock
		sync.Mutex
		left int64 // bytes that files may still grow; negative is unlimited
	}
}

var _ vfs.FS = (*FS)(nil)

// New returns an empty tree without limit.
func New() *FS {
	f := &FS{root: &node{mode: fs.ModeDir | 0o700, kids: map[string]*node{}}}
	f.space.left = -1
	return f
}

// SetBudget lets files grow by n more bytes together; then writes fail with
// ENOSPC. Negative lifts the limit.
func (f *FS) SetBudget(n int64) {
	f.space.Lock()
	defer f.space.Unlock()
	f.space.left = n
}

// take reserves n bytes of growth, or gives them back when n is negative.
func (f *FS) take(n int64) error {
	if n == 0 {
		return nil
	}
	f.space.Lock()
	defer f.space.Unlock()
	switch {
	case f.space.left < 0:
		return nil
	case f.space.left < n:
		return syscall.ENOSPC
	}
	f.space.left -= n
	return nil
}

func fail(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

// walk finds the directory and the last part of name, following links in between
// and, if last, at the end. n is nil if the last part is missing.
func (f *FS) walk(name string, last bool) (dir *node, base string, n *node, err error) {
	rest := strings.Split(strings.Trim(path.Clean("/"+name), "/"), "/")
	dir, at, links := f.root, "/", 0
	if rest[0] == "" {
		return f.root, "", f.root, nil
	}
	for {
		base, rest = rest[0], rest[1:]
		n = dir.kids[base]
		switch {
		case n == nil && len(rest) == 0:
			return dir, base, nil, nil
		case n == nil:
			return nil, "", nil, syscall.ENOENT
		case n.mode&fs.ModeSymlink != 0 && (len(rest) > 0 || last):
			if links++; links > maxLinks {
				return nil, "", nil, syscall.ELOOP
			}
			to := n.target
			if !path.IsAbs(to) {
				to = path.Join(at, to)
			}
			rest = strings.Split(strings.Trim(path.Join(append([]string{to}, rest...)...), "/"), "/")
			dir, at = f.root, "/"
			if rest[0] == "" {
				return f.root, "", f.root, nil
			}
		case len(rest) == 0:
			return dir, base, n, nil
		case !n.mode.IsDir():
			return nil, "", nil, syscall.ENOTDIR
		default:
			dir, at = n, path.Join(at, base)
		}
	}
}

// find is walk for a name that must exist.
func (f *FS) find(op, name string, last bool) (*node, error) {
	_, _, n, err := f.walk(name, last)
	if err == nil && n == nil {
		err = syscall.ENOENT
	}
	if err != nil {
		return nil, fail(op, name, err)
	}
	return n, nil
}

// Open opens or makes a file.
func (f *FS) Open(name string, flag vfs.Flag) (vfs.File, error) {
	f.mu.Lock()
	dir, base, n, err := f.walk(name, true)
	switch {
	case err != nil:
	case n == nil && flag&vfs.Create == 0:
		err = syscall.ENOENT
	case n == nil:
		n = &node{mode: 0o600, mtime: time.Now()}
		dir.kids[base] = n
	case flag&vfs.Excl != 0:
		err = syscall.EEXIST
	case n.mode.IsDir() && flag != vfs.Read:
		err = syscall.EISDIR
	case flag&(vfs.Write|vfs.Create) != 0 && n.mode&0o200 == 0:
		err = syscall.EACCES
	}
	f.mu.Unlock()
	if err != nil {
		return nil, fail("open", name, err)
	}
	h := &file{fs: f, n: n, name: name, write: flag != vfs.Read}
	if flag&vfs.Trunc != 0 {
		return h, h.Truncate(0)
	}
	return h, nil
}

// make adds a name that must be missing.
func (f *FS) make(op, name string, n *node) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, base, old, err := f.walk(name, false)
	if err == nil && old != nil {
		err = syscall.EEXIST
	}
	if err != nil {
		return fail(op, name, err)
	}
	n.mtime = time.Now()
	dir.kids[base] = n
	return nil
}

// Mkdir makes one directory.
func (f *FS) Mkdir(name string) error {
	return f.make("mkdir", name, &node{mode: fs.ModeDir | 0o700, kids: map[string]*node{}})
}

// Symlink makes a symbolic link.
func (f *FS) Symlink(target, name string) error {
	return f.make("symlink", name, &node{mode: fs.ModeSymlink | 0o777, target: target})
}

// Remove removes a file, a link or an empty directory.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	dir, base, n, err := f.walk(name, false)
	switch {
	case err != nil:
	case n == nil:
		err = syscall.ENOENT
	case n == f.root || len(n.kids) > 0:
		err = syscall.ENOTEMPTY
	default:
		delete(dir.kids, base)
	}
	f.mu.Unlock()
	if err != nil {
		return fail("remove", name, err)
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	return f.take(-int64(len(n.data)))
}

// Rename moves a name, replacing a file of the new name.
func (f *FS) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, base, n, err := f.walk(from, false)
	if err == nil && n == nil {
		err = syscall.ENOENT
	}
	if err != nil {
		return fail("rename", from, err)
	}
	toDir, toBase, old, err := f.walk(to, false)
	if err == nil && old != nil && old != n && (old.mode.IsDir() != n.mode.IsDir() || len(old.kids) > 0) {
		err = syscall.EEXIST
	}
	if err != nil {
		return fail("rename", to, err)
	}
	delete(dir.kids, base)
	toDir.kids[toBase] = n
	return nil
}

// Readlink reads a symbolic link.
func (f *FS) Readlink(name string) (string, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	n, err := f.find("readlink", name, false)
	if err == nil && n.mode&fs.ModeSymlink == 0 {
		err = fail("readlink", name, syscall.EINVAL)
	}
	if err != nil {
		return "", err
	}
	return n.target, nil
}

// Stat describes what a name leads to.
func (f *FS) Stat(name string) (fs.FileInfo, error) { return f.stat("stat", name, true) }

// Lstat describes a name.
func (f *FS) Lstat(name string) (fs.FileInfo, error) { return f.stat("lstat", name, false) }

func (f *FS) stat(op, name string, follow bool) (fs.FileInfo, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	n, err := f.find(op, name, follow)
	if err != nil {
		return nil, err
	}
	return n.info(path.Base(name)), nil
}

// List returns the entries of a directory, sorted by name.
func (f *FS) List(dir string) ([]fs.DirEntry, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	n, err := f.find("list", dir, true)
	if err == nil && !n.mode.IsDir() {
		err = fail("list", dir, syscall.ENOTDIR)
	}
	if err != nil {
		return nil, err
	}
	list := make([]fs.DirEntry, 0, len(n.kids))
	for base, k := range n.kids {
		list = append(list, fs.FileInfoToDirEntry(k.info(base)))
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

// SyncDir checks that the directory exists.
func (f *FS) SyncDir(name string) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	_, err := f.find("sync", name, true)
	return err
}

// Chmod sets the permission bits.
func (f *FS) Chmod(name string, mode fs.FileMode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.find("chmod", name, true)
	if err != nil {
		return err
	}
	n.mode = n.mode&fs.ModeType | mode.Perm()
	return nil
}

// Lock takes the lock of name, making the file if missing.
func (f *FS) Lock(name string) (io.Closer, error) {
	h, err := f.Open(name, vfs.Write|vfs.Create)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := h.(*file).n
	if n.locked {
		return nil, vfs.ErrLocked
	}
	n.locked = true
	return &lock{f, n}, nil
}

type lock struct {
	fs *FS
	n  *node
}

func (l *lock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	l.n.locked = false
	return nil
}

// info is a snapshot of a node's metadata.
type info struct {
	name  string
	size  int64
	mode  fs.FileMode
	mtime time.Time
}

func (n *node) info(name string) info {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return info{name, int64(len(n.data)), n.mode, n.mtime}
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return i.mtime }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }
