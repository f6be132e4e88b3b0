//go:build !linux

package osfs

import (
	"errors"
	"os"
	"syscall"

	"github.com/pgmini/pgmini/vfs"
)

func openFile(path string, mode int) (*os.File, error) { return os.OpenFile(path, mode, 0o600) }

func flock(h *os.File) error {
	err := syscall.Flock(int(h.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return vfs.ErrLocked
	}
	return err
}

// Datasync is fsync where fdatasync may not exist.
func (h *file) Datasync() error { return h.Sync() }

// Preallocate writes zeros past the end.
func (h *file) Preallocate(off, n int64) error {
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

// WriteBack does nothing: the hint is Linux's.
func (h *file) WriteBack(off, n int64) error { return nil }

// Prefetch does nothing: the hint is Linux's.
func (h *file) Prefetch(off, n int64) error { return nil }
