package powerfail

import (
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"syscall"
)

// op is an unsynced write, or a change of length if data is nil.
type op struct {
	off  int64
	data []byte
	lied bool // a sync that was skipped said it is durable
}

// node is a file, a directory or a symbolic link.
type node struct {
	mode   fs.FileMode
	target string

	data   []byte // what a read sees
	synced []byte // what the platter holds for sure
	ops    []op   // writes and truncates since the last good Sync, in order

	sharedData, sharedSynced bool // others hold the same bytes: copy before writing
}

// resize changes a length; new bytes are zeros.
func resize(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size]
	}
	return append(b, make([]byte, size-int64(len(b)))...)
}

func (o op) apply(b []byte) []byte {
	if o.data == nil {
		return resize(b, o.off)
	}
	b = resize(b, max(int64(len(b)), o.off+int64(len(o.data))))
	copy(b[o.off:], o.data)
	return b
}

// record makes a change that reads see at once.
func (n *node) record(o op) {
	if n.sharedData {
		n.data, n.sharedData = slices.Clone(n.data), false
	}
	n.data = o.apply(n.data)
	n.ops = append(n.ops, o)
}

// promote makes all changes durable.
func (n *node) promote() {
	if len(n.ops) == 0 {
		return
	}
	if n.sharedSynced {
		n.synced, n.sharedSynced = slices.Clone(n.synced), false
	}
	for _, o := range n.ops {
		n.synced = o.apply(n.synced)
	}
	n.ops = nil
}

// mix gives each bit of old that is to change the luck of rng. Bits on which old
// and new agree stay: pg_xact keeps four transactions in a byte and has nothing to
// tell damage by, so no server could keep a transaction that nobody touched if its
// neighbour's write could turn to noise.
func mix(old, new []byte, rng *rand.Rand) {
	for i := range new {
		if d := old[i] ^ new[i]; d != 0 {
			old[i] ^= d & byte(rng.Uint32())
		}
	}
}

// afterCrash replays the unsynced changes with the luck of the seed.
func (n *node) afterCrash(l luck, rng *rand.Rand, torn bool) *node {
	b := n.synced
	if len(n.ops) > 0 {
		b = slices.Clone(b)
	}
	n.sharedSynced = true
	for _, o := range n.ops {
		if l != chance {
			if l == skipped && !o.lied {
				b = o.apply(b)
			}
			continue
		}
		if o.data == nil { // a change of length: all or nothing
			if rng.IntN(2) == 0 {
				b = resize(b, o.off)
			}
			continue
		}
		for at, stop := o.off, o.off+int64(len(o.data)); at < stop; {
			end := min((at/sector+1)*sector, stop)
			piece := o.data[at-o.off : end-o.off]
			switch r := rng.IntN(8); {
			case r < 4: // reached the platter
				b = resize(b, max(int64(len(b)), end))
				copy(b[at:], piece)
			case r == 4 && torn: // stopped half way: what was to stay as it was, did
				b = resize(b, max(int64(len(b)), end)) // behind the old end was zero, as file systems promise
				mix(b[at:end], piece, rng)
			} // else: never written
			at = end
		}
	}
	return &node{mode: n.mode, target: n.target, data: b, synced: b, sharedData: true, sharedSynced: true}
}

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
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.fs.off {
		return 0, fail("stat", h.name, ErrPowerOff)
	}
	return int64(len(h.n.data)), nil
}

func (h *file) ReadAt(p []byte, off int64) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	switch {
	case h.fs.off:
		return 0, fail("read", h.name, ErrPowerOff)
	case off < 0:
		return 0, fail("read", h.name, syscall.EINVAL)
	case off >= int64(len(h.n.data)):
		return 0, io.EOF
	}
	n := copy(p, h.n.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// grow reserves the bytes that the file grows by to get to size.
func (h *file) grow(size int64) error {
	n := size - int64(len(h.n.data))
	switch f := h.fs; {
	case f.budget < 0:
	case n > f.budget:
		return syscall.ENOSPC
	default:
		f.budget -= n
	}
	return nil
}

func (h *file) WriteAt(p []byte, off int64) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if !h.write || off < 0 {
		return 0, fail("write", h.name, syscall.EBADF)
	}
	if err := h.grow(max(off+int64(len(p)), int64(len(h.n.data)))); err != nil {
		return 0, fail("write", h.name, err)
	}
	do, err := h.fs.tick()
	if do && len(p) > 0 {
		h.n.record(op{off: off, data: slices.Clone(p)})
	}
	if err != nil {
		return 0, fail("write", h.name, err)
	}
	return len(p), nil
}

func (h *file) Truncate(size int64) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	return h.truncate(size)
}

func (h *file) truncate(size int64) error {
	if !h.write || size < 0 {
		return fail("truncate", h.name, syscall.EINVAL)
	}
	if err := h.grow(size); err != nil {
		return fail("truncate", h.name, err)
	}
	do, err := h.fs.tick()
	if do {
		h.n.record(op{off: size})
	}
	if err != nil {
		return fail("truncate", h.name, err)
	}
	return nil
}

func (h *file) Sync() error {
	f := h.fs
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.tick(); err != nil {
		return fail("sync", h.name, err)
	}
	if f.lies("Sync", h.name) {
		for i := range h.n.ops {
			h.n.ops[i].lied = true
		}
		return nil
	}
	if f.failing() {
		h.n.ops = nil // gone, yet data still shows it: the fsync trap
		f.lost = h.name
		return fail("sync", h.name, ErrSync)
	}
	h.n.promote()
	return nil
}

func (h *file) Datasync() error { return h.Sync() }

func (h *file) Preallocate(off, n int64) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if off+n <= int64(len(h.n.data)) {
		return nil
	}
	return h.truncate(off + n)
}

// WriteBack does nothing: a hint promises nothing.
func (h *file) WriteBack(off, n int64) error { return nil }

// Prefetch does nothing.
func (h *file) Prefetch(off, n int64) error { return nil }
