// Package vfs is the one door to the file system. Every file that pgmini reads
// or writes is reached through an FS: the operating system's (vfs/osfs), memory
// (vfs/memfs), or one that loses power (vfs/powerfail).
//
// Creating, renaming and removing a name is durable only after SyncDir of its
// folder; written bytes only after Sync or Datasync of their file.
package vfs

import (
	"errors"
	"io"
	"io/fs"
)

// Flag says how Open treats the file.
type Flag int

// Flags of Open; they combine. Without Write the file is read-only.
const (
	Read   Flag = 0
	Write  Flag = 1 << iota // reading and writing
	Create                  // made if missing
	Excl                    // with Create: must be missing
	Trunc                   // cut to length 0
)

// ErrLocked is what Lock returns when another holder has the lock.
var ErrLocked = errors.New("file is locked")

// FS is a tree of files. Names use slashes and are relative to the FS's root,
// or absolute where the implementation has such names. Errors satisfy errors.Is
// with fs.ErrNotExist, fs.ErrExist, fs.ErrPermission and syscall.Errno values.
type FS interface {
	Open(name string, flag Flag) (File, error)
	Mkdir(name string) error // parent must exist
	Remove(name string) error
	Rename(from, to string) error
	Symlink(target, name string) error
	Readlink(name string) (string, error)
	Stat(name string) (fs.FileInfo, error) // follows links
	Lstat(name string) (fs.FileInfo, error)
	List(dir string) ([]fs.DirEntry, error) // sorted by name
	SyncDir(name string) error
	Chmod(name string, mode fs.FileMode) error
	// Lock takes an exclusive advisory lock (flock) on name, making it if
	// missing; closing the result releases it.
	Lock(name string) (io.Closer, error)
}

// File is an open file. A failed Sync means the data is LOST, not late: the
// kernel may drop the dirty pages and report success next time. Callers treat it
// as a PANIC and never retry.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Name() string
	Size() (int64, error)
	Truncate(size int64) error
	Sync() error
	// Datasync makes the bytes and the length durable (fdatasync).
	Datasync() error
	// Preallocate reserves space for [off, off+n), which reads as zeros where
	// nothing was written, and extends the file (fallocate).
	Preallocate(off, n int64) error
	// WriteBack asks the system to start writing [off, off+n): a hint.
	WriteBack(off, n int64) error
	// Prefetch asks the system to read [off, off+n) ahead: a hint.
	Prefetch(off, n int64) error
}
