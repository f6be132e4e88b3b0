package nbtree

import (
	"bufio"
	"container/heap"
	"io"
	"slices"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
)

// spool collects tuples and returns them sorted by key and TID. What does not fit
// in memory goes to temporary files as sorted runs, which are merged.
type spool struct {
	e     *env
	opt   BuildOptions
	arena []byte // of the tuples that come next
	held  []entry
	used  int
	runs  []*run
}

// entry is a tuple in memory; first is its first column.
type entry struct {
	t     tuple
	first datum.Datum
	alive bool
}

const (
	entrySize  = 80
	arenaChunk = 1 << 20
)

func (s *spool) add(t tuple, alive bool) error {
	if len(t) > cap(s.arena)-len(s.arena) {
		s.arena = make([]byte, 0, max(arenaChunk, len(t)))
	}
	at := len(s.arena)
	s.arena = append(s.arena, t...)
	en := entry{t: tuple(s.arena[at:len(s.arena):len(s.arena)]), alive: alive}
	s.e.deform(en.t, 1, s.e.cols[:])
	en.first = s.e.cols[0]
	s.held = append(s.held, en)
	s.used += len(t) + entrySize
	if s.used > s.opt.Memory && s.opt.FS != nil {
		return s.spill()
	}
	return s.e.err
}

// compare orders two entries by key, then by TID.
func (s *spool) compare(a, b *entry) int {
	e := s.e
	if c := e.compareCol(0, &a.first, &b.first, nil); c != 0 {
		return c
	}
	if e.nkeys > 1 {
		e.deform(a.t, e.nkeys, e.cols[:])
		e.deform(b.t, e.nkeys, e.other[:])
		for i := 1; i < e.nkeys; i++ {
			if c := e.compareCol(i, &e.cols[i], &e.other[i], nil); c != 0 {
				return c
			}
		}
	}
	return a.t.tid().Compare(b.t.tid())
}

func (s *spool) sort() {
	slices.SortFunc(s.held, func(a, b entry) int { return s.compare(&a, &b) })
}

// spill writes what is held as a run.
func (s *spool) spill() error {
	s.sort()
	name := s.opt.TempName()
	f, err := s.opt.FS.Open(name, vfs.Write|vfs.Create|vfs.Trunc)
	if err != nil {
		return pgerr.File(err, "create temporary", name)
	}
	s.runs = append(s.runs, &run{s: s, f: f, name: name})
	w := bufio.NewWriterSize(&fileWriter{f: f}, 256<<10)
	for i := range s.held {
		en := &s.held[i]
		flag := byte(0)
		if en.alive {
			flag = 1
		}
		_ = w.WriteByte(flag) // bufio keeps the first error for Flush
		_, _ = w.Write(en.t)
	}
	if err := w.Flush(); err != nil {
		return pgerr.File(err, "write to temporary", name)
	}
	s.held, s.arena, s.used = s.held[:0], nil, 0
	return s.e.err
}

// fileWriter appends to a file.
type fileWriter struct {
	f   vfs.File
	off int64
}

func (w *fileWriter) Write(b []byte) (int, error) {
	n, err := w.f.WriteAt(b, w.off)
	w.off += int64(n)
	return n, err
}

// run is a sorted temporary file; cur is its next entry.
type run struct {
	s    *spool
	f    vfs.File
	name string
	r    *bufio.Reader
	cur  entry
	buf  []byte
}

// next reads the next entry; false at the end.
func (r *run) next() (bool, error) {
	var head [1 + tupHeader]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		if err == io.EOF {
			return false, nil
		}
		return false, pgerr.File(err, "read from temporary", r.name)
	}
	size := tuple(head[1:]).size()
	if size < tupHeader {
		return false, badRecord("temporary file's tuple of %d bytes", size)
	}
	r.buf = append(r.buf[:0], head[1:]...)
	r.buf = slices.Grow(r.buf, size-tupHeader)[:size]
	if _, err := io.ReadFull(r.r, r.buf[tupHeader:]); err != nil {
		return false, pgerr.File(err, "read from temporary", r.name)
	}
	r.cur = entry{t: tuple(r.buf), alive: head[0] != 0}
	r.s.e.deform(r.cur.t, 1, r.s.e.cols[:])
	r.cur.first = r.s.e.cols[0]
	return true, nil
}

// runs are a heap by their next entry.
type runHeap struct{ runs []*run }

func (h *runHeap) Len() int { return len(h.runs) }
func (h *runHeap) Less(i, j int) bool {
	return h.runs[i].s.compare(&h.runs[i].cur, &h.runs[j].cur) < 0
}
func (h *runHeap) Swap(i, j int) { h.runs[i], h.runs[j] = h.runs[j], h.runs[i] }
func (h *runHeap) Push(x any)    { h.runs = append(h.runs, x.(*run)) }
func (h *runHeap) Pop() any {
	x := h.runs[len(h.runs)-1]
	h.runs = h.runs[:len(h.runs)-1]
	return x
}

// sorted returns an iterator over all tuples. A tuple lives until the next call.
func (s *spool) sorted() (func() (tuple, bool, bool, error), error) {
	if len(s.runs) == 0 {
		s.sort()
		i := 0
		return func() (tuple, bool, bool, error) {
			if i == len(s.held) {
				return nil, false, false, s.e.err
			}
			en := &s.held[i]
			i++
			return en.t, en.alive, true, nil
		}, s.e.err
	}
	if len(s.held) > 0 {
		if err := s.spill(); err != nil {
			return nil, err
		}
	}
	h := &runHeap{}
	for _, r := range s.runs {
		size, err := r.f.Size()
		if err != nil {
			return nil, pgerr.File(err, "stat temporary", r.name)
		}
		r.r = bufio.NewReaderSize(io.NewSectionReader(r.f, 0, size), max(16<<10, min(256<<10, s.opt.Memory/(2*len(s.runs)))))
		ok, err := r.next()
		if err != nil {
			return nil, err
		}
		if ok {
			h.runs = append(h.runs, r)
		}
	}
	heap.Init(h)
	started := false
	return func() (tuple, bool, bool, error) {
		if started {
			ok, err := h.runs[0].next()
			switch {
			case err != nil:
				return nil, false, false, err
			case ok:
				heap.Fix(h, 0)
			default:
				heap.Pop(h)
			}
		}
		started = true
		if len(h.runs) == 0 {
			return nil, false, false, s.e.err
		}
		return h.runs[0].cur.t, h.runs[0].cur.alive, true, nil
	}, nil
}

// close removes the temporary files.
func (s *spool) close() {
	for _, r := range s.runs {
		_ = r.f.Close() // temporary: start-up removes what stays
		_ = s.opt.FS.Remove(r.name)
	}
	s.runs, s.held, s.arena = nil, nil, nil
}
