package exec

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/sql/types"
)

// batchRows is the most rows that a batch has.
const batchRows = 1024

// identity is the selection of all rows. constant
var identity = func() (a [batchRows]int32) {
	for i := range a {
		a[i] = int32(i)
	}
	return
}()

// Batch is a set of rows: N positions in every column, of which those in Sel
// (ascending) are rows.
type Batch struct {
	Cols []*types.Vec
	N    int
	Sel  []int32
}

// all returns the selection of the first n positions.
func all(n int) []int32 { return identity[:n] }

// grow makes v hold n entries; their content is undefined.
func grow(v *types.Vec, n int, byRef bool) {
	if cap(v.Nulls) < n {
		c := 16
		for c < n {
			c *= 2
		}
		v.Nulls = make([]bool, c)
	}
	v.Nulls = v.Nulls[:n]
	if byRef {
		if v.Bytes == nil || cap(v.Bytes) < n {
			v.Bytes = make([][]byte, cap(v.Nulls))
		}
		v.Bytes = v.Bytes[:n]
		return
	}
	if cap(v.Ints) < n {
		v.Ints = make([]int64, cap(v.Nulls))
	}
	v.Ints = v.Ints[:n]
}

// at reads entry i of v.
func at(v *types.Vec, i int32) datum.Datum {
	if v.Nulls[i] {
		return datum.Datum{Null: true}
	}
	if v.Bytes != nil {
		return datum.Datum{Bytes: v.Bytes[i]}
	}
	return datum.Datum{Int: v.Ints[i]}
}

// put stores d as entry i of v, aliasing its bytes.
func put(v *types.Vec, i int32, d datum.Datum) {
	v.Nulls[i] = d.Null
	if v.Bytes != nil {
		v.Bytes[i] = d.Bytes
		return
	}
	v.Ints[i] = d.Int
}

// gather copies entries from of src to the positions at, at+1, … of dst.
func gather(dst *types.Vec, at int, src *types.Vec, from []int32) {
	for k, i := range from {
		dst.Nulls[at+k] = src.Nulls[i]
	}
	if dst.Bytes != nil {
		for k, i := range from {
			dst.Bytes[at+k] = src.Bytes[i]
		}
		return
	}
	for k, i := range from {
		dst.Ints[at+k] = src.Ints[i]
	}
}

// arena hands out byte slices that live until reset. It replaces an allocation
// per value by one per chunk.
type arena struct {
	chunk []byte
	total int
}

const arenaChunk = 64 << 10

// copy returns a copy of b in the arena.
func (a *arena) copy(b []byte) []byte {
	n := len(b)
	if n == 0 {
		return []byte{}
	}
	a.total += n
	if n > arenaChunk/4 {
		return append([]byte(nil), b...)
	}
	if len(a.chunk)+n > cap(a.chunk) {
		size := arenaChunk
		if a.total < arenaChunk {
			size = 4 << 10
		}
		a.chunk = make([]byte, 0, max(size, n))
	}
	at := len(a.chunk)
	a.chunk = append(a.chunk, b...)
	return a.chunk[at : at+n : at+n]
}

func (a *arena) reset() { *a = arena{} }

// columns describes the shape of a batch: for every column whether its values
// are by reference.
type columns []bool

// newBatch makes an empty batch of the given shape with room for n rows.
func newBatch(shape columns, n int) *Batch {
	b := &Batch{Cols: make([]*types.Vec, len(shape))}
	for i, byRef := range shape {
		b.Cols[i] = &types.Vec{}
		grow(b.Cols[i], n, byRef)
	}
	return b
}

// resize makes every column of b hold n entries.
func (b *Batch) resize(shape columns, n int) {
	for i, byRef := range shape {
		grow(b.Cols[i], n, byRef)
	}
}

// rowStore keeps rows: what sorts, hash tables and materialisation hold. Rows
// are stored by column; bytes are copied into an arena.
type rowStore struct {
	shape columns
	cols  []types.Vec
	n     int
	mem   arena
}

func newRowStore(shape columns) *rowStore {
	s := &rowStore{shape: shape, cols: make([]types.Vec, len(shape))}
	for i, byRef := range shape {
		grow(&s.cols[i], 0, byRef)
		if byRef && s.cols[i].Bytes == nil {
			s.cols[i].Bytes = [][]byte{}
		}
	}
	return s
}

// add appends the selected rows of b and returns the index of the first.
func (s *rowStore) add(b *Batch, sel []int32) int {
	first := s.n
	for c, byRef := range s.shape {
		src, dst := b.Cols[c], &s.cols[c]
		for _, i := range sel {
			dst.Nulls = append(dst.Nulls, src.Nulls[i])
		}
		if !byRef {
			for _, i := range sel {
				dst.Ints = append(dst.Ints, src.Ints[i])
			}
			continue
		}
		for _, i := range sel {
			if src.Nulls[i] {
				dst.Bytes = append(dst.Bytes, nil)
				continue
			}
			dst.Bytes = append(dst.Bytes, s.mem.copy(src.Bytes[i]))
		}
	}
	s.n += len(sel)
	return first
}

// bytes is roughly how much memory s holds.
func (s *rowStore) bytes() int {
	per := 0
	for _, byRef := range s.shape {
		per += 9
		if byRef {
			per += 16
		}
	}
	return s.n*per + s.mem.total
}

// window points the columns of b at rows [from, to) of s.
func (s *rowStore) window(b *Batch, from, to int) {
	for c, byRef := range s.shape {
		v := &s.cols[c]
		b.Cols[c].Nulls = v.Nulls[from:to]
		if byRef {
			b.Cols[c].Bytes = v.Bytes[from:to]
		} else {
			b.Cols[c].Ints = v.Ints[from:to]
		}
	}
	b.N = to - from
	b.Sel = all(b.N)
}

// fill gathers the given rows of s into b's own vectors.
func (s *rowStore) fill(b *Batch, rows []int32) {
	b.resize(s.shape, len(rows))
	for c := range s.shape {
		gather(b.Cols[c], 0, &s.cols[c], rows)
	}
	b.N = len(rows)
	b.Sel = all(b.N)
}

// datum reads one value of s.
func (s *rowStore) datum(col, row int) datum.Datum { return at(&s.cols[col], int32(row)) }

// reset forgets all rows.
func (s *rowStore) reset() {
	for c := range s.cols {
		v := &s.cols[c]
		v.Nulls = v.Nulls[:0]
		v.Ints = v.Ints[:0]
		v.Bytes = v.Bytes[:0]
	}
	s.n = 0
	s.mem.reset()
}
