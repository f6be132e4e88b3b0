package osfs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/pgmini/pgmini/vfs"
)

// retry repeats a call that a signal broke off.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// openFile is os.OpenFile for regular files: it does not ask the poller, which
// would take five system calls to learn that it cannot wait for them.
func openFile(path string, mode int) (*os.File, error) {
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Open(path, mode|unix.O_CLOEXEC|unix.O_LARGEFILE, 0o600)
		return err
	})
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

func flock(h *os.File) error {
	err := retry(func() error { return unix.Flock(int(h.Fd()), unix.LOCK_EX|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return vfs.ErrLocked
	}
	return err
}

// control runs a call on h's descriptor without making it blocking.
func (h *file) control(op string, call func(fd int) error) error {
	c, err := h.SyscallConn()
	if err != nil {
		return err
	}
	var callErr error
	if err := c.Control(func(fd uintptr) {
		callErr = retry(func() error { return call(int(fd)) })
	}); err != nil {
		return err
	}
	if callErr != nil {
		return &os.PathError{Op: op, Path: h.name, Err: callErr}
	}
	return nil
}

// Datasync is fdatasync.
func (h *file) Datasync() error { return h.control("fdatasync", unix.Fdatasync) }

// Preallocate is fallocate. Where the file system has none, it writes zeros past
// the end, which reserves the same space.
func (h *file) Preallocate(off, n int64) error {
	err := h.control("fallocate", func(fd int) error { return unix.Fallocate(fd, 0, off, n) })
	if !errors.Is(err, unix.EOPNOTSUPP) {
		return err
	}
	size, err := h.Size()
	if err != nil {
		return err
	}
	zeros := make([]byte, 1<<16)
	for at := max(off, size); at < off+n; {
		w, err := h.WriteAt(zeros[:min(int64(len(zeros)), off+n-at)], at)
		if err != nil {
			return err
		}
		at += int64(w)
	}
	return nil
}

// WriteBack is sync_file_range(SYNC_FILE_RANGE_WRITE).
func (h *file) WriteBack(off, n int64) error {
	return h.control("sync_file_range", func(fd int) error {
		return unix.SyncFileRange(fd, off, n, unix.SYNC_FILE_RANGE_WRITE)
	})
}

// Prefetch is posix_fadvise(POSIX_FADV_WILLNEED).
func (h *file) Prefetch(off, n int64) error {
	return h.control("fadvise", func(fd int) error {
		return unix.Fadvise(fd, off, n, unix.FADV_WILLNEED)
	})
}
