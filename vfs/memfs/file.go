package memfs

import (
	"io"
	"syscall"
)

// file is an open file: it keeps its bytes even after its name is removed.
type file struct {
	fs    *FS
	n     *node
	name  string
	write bool
}

func (h *file) Name() string { return h.name }
func (h *file) Close() error { return nil }

func (h *file) Size() (int64, error) {
	h.n.mu.RLock()
	defer h.n.mu.RUnlock()
	return int64(len(h.n.data)), nil
}

func (h *file) ReadAt(p []byte, off int64) (int, error) {
	h.n.mu.RLock()
	defer h.n.mu.RUnlock()
	if off < 0 {
		return 0, fail("read", h.name, syscall.EINVAL)
	}
	if off >= int64(len(h.n.data)) {
		return 0, io.EOF
	}
	n := copy(p, h.n.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *file) WriteAt(p []byte, off int64) (int, error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	if !h.write {
		return 0, fail("write", h.name, syscall.EBADF)
	}
	if off < 0 {
		return 0, fail("write", h.name, syscall.EINVAL)
	}
	if end := off + int64(len(p)); end > int64(len(h.n.data)) {
		if err := h.resize(end); err != nil {
			return 0, fail("write", h.name, err)
		}
	}
	return copy(h.n.data[off:], p), nil
}

// resize changes the length; n.mu is held.
func (h *file) resize(size int64) error {
	old := int64(len(h.n.data))
	if err := h.fs.take(size - old); err != nil {
		return err
	}
	switch {
	case size <= old:
		clear(h.n.data[size:]) // bytes past the end must read as zeros if it grows again
		h.n.data = h.n.data[:size]
	case size <= int64(cap(h.n.data)):
		h.n.data = h.n.data[:size]
	default:
		grown := make([]byte, size, max(size, min(2*old, old+64<<20)))
		copy(grown, h.n.data)
		h.n.data = grown
	}
	return nil
}

func (h *file) Truncate(size int64) error {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	if !h.write || size < 0 {
		return fail("truncate", h.name, syscall.EINVAL)
	}
	if err := h.resize(size); err != nil {
		return fail("truncate", h.name, err)
	}
	return nil
}

func (h *file) Sync() error     { return nil }
func (h *file) Datasync() error { return nil }

func (h *file) Preallocate(off, n int64) error {
	size, err := h.Size()
	if err != nil || size >= off+n {
		return err
	}
	return h.Truncate(off + n)
}

func (h *file) WriteBack(off, n int64) error { return nil }
func (h *file) Prefetch(off, n int64) error  { return nil }
