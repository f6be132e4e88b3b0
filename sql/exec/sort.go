package exec

import (
	"container/heap"
	"encoding/binary"
	"slices"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
)

// collationOf is the collation that comparing e uses.
func collationOf(n node.Node) oid.OID {
	switch e := n.(type) {
	case *node.Var:
		return e.Varcollid
	case *node.Const:
		return e.Constcollid
	case *node.Param:
		return e.Paramcollid
	case *node.FuncExpr:
		return e.Funccollid
	case *node.OpExpr:
		return e.Opcollid
	case *node.RelabelType:
		return e.Resultcollid
	case *node.CollateExpr:
		return e.CollOid
	case *node.CoerceViaIO:
		return e.Resultcollid
	case *node.CaseExpr:
		return e.Casecollid
	case *node.CoalesceExpr:
		return e.Coalescecollid
	case *node.Aggref:
		return e.Aggcollid
	}
	return oid.Invalid
}

// sortCmp makes the order of column col by operator op.
func (x *Execution) sortCmp(col int, op, coll oid.OID, nullsFirst bool) (sortCmp, error) {
	cmp, desc, err := x.Cat.SortOrder(op, coll)
	return sortCmp{col: col, cmp: cmp, desc: desc, nullsFirst: nullsFirst}, err
}

// sortCmps makes the orders of a node's keys.
func (x *Execution) sortCmps(keys []plan.SortKey) ([]sortCmp, error) {
	out := make([]sortCmp, len(keys))
	for i, k := range keys {
		var err error
		if out[i], err = x.sortCmp(k.Col-1, k.SortOp, k.Collation, k.NullsFirst); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// compare orders two values that may be NULL.
func (c *sortCmp) compare(a, b datum.Datum) int {
	if a.Null || b.Null {
		switch {
		case a.Null && b.Null:
			return 0
		case a.Null == c.nullsFirst:
			return -1
		}
		return 1
	}
	r := c.cmp(a, b)
	if c.desc {
		return -r
	}
	return r
}

// sortRows returns the rows of s in order. Equal rows keep their order.
func sortRows(s *rowStore, by []sortCmp) []int32 {
	rows := make([]int32, s.n)
	for i := range rows {
		rows[i] = int32(i)
	}
	slices.SortStableFunc(rows, func(a, b int32) int {
		for k := range by {
			c := &by[k]
			v := &s.cols[c.col]
			if r := c.compare(at(v, a), at(v, b)); r != 0 {
				return r
			}
		}
		return 0
	})
	return rows
}

// sorter is Sort: it keeps its input in memory, and writes sorted runs to
// temporary files when that outgrows work_mem.
type sorter struct {
	p     plan.Plan
	child Node
	by    []sortCmp
	store *rowStore
	rows  []int32
	at    int
	out   *Batch
	runs  []*run
	merge runHeap
	begun bool
	bound int // only so many rows will be asked for; 0: all
	stat  *Instrument
}

func (x *Execution) newSort(p plan.Plan, keys []plan.SortKey) (Node, error) {
	n := &sorter{p: p, stat: x.note(p)}
	var err error
	if n.child, err = x.build(p.Common().Left); err != nil {
		return nil, err
	}
	if n.by, err = x.sortCmps(keys); err != nil {
		return nil, err
	}
	n.store, n.out = newRowStore(n.child.Shape()), newBatch(n.child.Shape(), 0)
	return n, nil
}

func (n *sorter) load(x *Execution) error {
	for {
		b, err := n.child.Next(x)
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		n.store.add(b, b.Sel)
		if n.bound > 0 && n.store.n > 2*n.bound+batchRows {
			n.prune()
		}
		if n.store.bytes() > x.WorkMem && x.Temp != nil {
			if err := n.spill(x); err != nil {
				return err
			}
		}
	}
	n.begun = true
	if n.stat != nil {
		n.stat.SortMethod, n.stat.SortSpace = "quicksort", int64(n.store.bytes()+1023)/1024
		if n.bound > 0 {
			n.stat.SortMethod = "top-N heapsort"
		}
	}
	if len(n.runs) == 0 {
		n.rows = sortRows(n.store, n.by)
		return nil
	}
	if err := n.spill(x); err != nil {
		return err
	}
	if n.stat != nil {
		n.stat.SortMethod, n.stat.SortDisk, n.stat.SortSpace = "external merge", true, 0
		for _, r := range n.runs {
			n.stat.SortSpace += (r.size + 1023) / 1024
		}
	}
	n.merge = runHeap{by: n.by}
	for i, r := range n.runs {
		r.seq = i
		if err := r.rewind(n.store.shape); err != nil {
			return err
		}
		if r.more {
			n.merge.runs = append(n.merge.runs, r)
		}
	}
	heap.Init(&n.merge)
	return nil
}

// setBound says that only the first rows will be asked for. It is called before
// Next, also after a rescan.
func (n *sorter) setBound(x *Execution, rows int) error {
	if !n.begun {
		n.bound = rows
		return nil
	}
	if n.bound == 0 || rows > 0 && rows <= n.bound {
		return nil
	}
	n.Close(x)
	n.store.reset()
	n.rows, n.at, n.begun, n.bound = nil, 0, false, rows
	return n.child.Rescan(x, nil)
}

// prune drops the rows that come after the first bound ones.
func (n *sorter) prune() {
	keep := newRowStore(n.store.shape)
	b := newBatch(n.store.shape, 0)
	rows := sortRows(n.store, n.by)[:n.bound]
	for len(rows) > 0 {
		k := min(len(rows), batchRows)
		n.store.fill(b, rows[:k])
		keep.add(b, b.Sel)
		rows = rows[k:]
	}
	n.store = keep
}

// spill writes the rows in memory to a new run, in order.
func (n *sorter) spill(x *Execution) error {
	if n.store.n == 0 {
		return nil
	}
	f, err := x.Temp.Create()
	if err != nil {
		return err
	}
	r := &run{file: f}
	n.runs = append(n.runs, r)
	for _, row := range sortRows(n.store, n.by) {
		if err := r.write(n.store, int(row)); err != nil {
			return err
		}
	}
	n.store.reset()
	return r.flush()
}

func (n *sorter) Next(x *Execution) (*Batch, error) {
	if !n.begun {
		if err := n.load(x); err != nil {
			return nil, err
		}
	}
	if len(n.runs) > 0 {
		return n.nextMerged()
	}
	if n.at >= len(n.rows) {
		return nil, nil
	}
	to := min(n.at+batchRows, len(n.rows))
	n.store.fill(n.out, n.rows[n.at:to])
	n.at = to
	return n.out, nil
}

// nextMerged takes the smallest rows of all runs.
func (n *sorter) nextMerged() (*Batch, error) {
	n.store.reset()
	for n.store.n < batchRows && len(n.merge.runs) > 0 {
		r := n.merge.runs[0]
		n.store.addRow(r.row)
		if err := r.advance(n.store.shape); err != nil {
			return nil, err
		}
		if r.more {
			heap.Fix(&n.merge, 0)
		} else {
			heap.Pop(&n.merge)
		}
	}
	if n.store.n == 0 {
		return nil, nil
	}
	n.store.window(n.out, 0, n.store.n)
	return n.out, nil
}

func (n *sorter) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	if n.begun && len(n.runs) == 0 && !newParamSet(n.p.Common().ExtParam...).meets(changed) {
		n.at = 0
		return nil
	}
	n.Close(x)
	n.store.reset()
	n.rows, n.at, n.begun = nil, 0, false
	return n.child.Rescan(x, changed)
}

func (n *sorter) Close(*Execution) {
	for _, r := range n.runs {
		r.file.Close()
	}
	n.runs, n.merge.runs = nil, nil
}

func (n *sorter) Shape() columns { return n.child.Shape() }

// addRow appends one row.
func (s *rowStore) addRow(row []datum.Datum) {
	for c, byRef := range s.shape {
		d := row[c]
		s.cols[c].Nulls = append(s.cols[c].Nulls, d.Null)
		switch {
		case !byRef:
			s.cols[c].Ints = append(s.cols[c].Ints, d.Int)
		case d.Null:
			s.cols[c].Bytes = append(s.cols[c].Bytes, nil)
		default:
			s.cols[c].Bytes = append(s.cols[c].Bytes, s.mem.copy(d.Bytes))
		}
	}
	s.n++
}

// run is a file of sorted rows: per row and column one byte for NULL, then eight
// bytes or a length and bytes.
type run struct {
	file TempFile
	buf  []byte
	size int64 // written
	off  int64 // of the next read
	pos  int
	row  []datum.Datum
	more bool
	seq  int
}

const runBuffer = 256 << 10

func (r *run) write(s *rowStore, row int) error {
	for c, byRef := range s.shape {
		d := s.datum(c, row)
		switch {
		case d.Null:
			r.buf = append(r.buf, 1)
		case byRef:
			r.buf = binary.LittleEndian.AppendUint32(append(r.buf, 0), uint32(len(d.Bytes)))
			r.buf = append(r.buf, d.Bytes...)
		default:
			r.buf = binary.LittleEndian.AppendUint64(append(r.buf, 0), uint64(d.Int))
		}
	}
	if len(r.buf) < runBuffer {
		return nil
	}
	return r.flush()
}

func (r *run) flush() error {
	if _, err := r.file.WriteAt(r.buf, r.size); err != nil {
		return pgerr.File(err, "write to", "temporary file")
	}
	r.size += int64(len(r.buf))
	r.buf = r.buf[:0]
	return nil
}

func (r *run) rewind(shape columns) error {
	r.row = make([]datum.Datum, len(shape))
	r.buf, r.pos, r.off = r.buf[:0], 0, 0
	return r.advance(shape)
}

// need makes n bytes available at r.pos.
func (r *run) need(n int) error {
	if len(r.buf)-r.pos >= n {
		return nil
	}
	rest := append([]byte(nil), r.buf[r.pos:]...)
	want := int(min(int64(max(n-len(rest), runBuffer)), r.size-r.off))
	if len(rest)+want < n {
		return pgerr.New(pgerr.InternalError, "unexpected end of temporary file")
	}
	r.buf = append(rest, make([]byte, want)...)
	if _, err := r.file.ReadAt(r.buf[len(rest):], r.off); err != nil {
		return pgerr.File(err, "read", "temporary file")
	}
	r.off += int64(want)
	r.pos = 0
	return nil
}

// advance reads the next row. Its bytes live until the advance after.
func (r *run) advance(shape columns) error {
	if r.more = r.off < r.size || r.pos < len(r.buf); !r.more {
		return nil
	}
	for c, byRef := range shape {
		if err := r.need(1); err != nil {
			return err
		}
		null := r.buf[r.pos] == 1
		r.pos++
		switch {
		case null:
			r.row[c] = datum.Null()
		case byRef:
			if err := r.need(4); err != nil {
				return err
			}
			n := int(binary.LittleEndian.Uint32(r.buf[r.pos:]))
			r.pos += 4
			if err := r.need(n); err != nil {
				return err
			}
			r.row[c] = datum.Bytes(r.buf[r.pos : r.pos+n : r.pos+n])
			r.pos += n
		default:
			if err := r.need(8); err != nil {
				return err
			}
			r.row[c] = datum.Int(int64(binary.LittleEndian.Uint64(r.buf[r.pos:])))
			r.pos += 8
		}
	}
	return nil
}

// runHeap has the run with the smallest row on top.
type runHeap struct {
	runs []*run
	by   []sortCmp
}

func (h *runHeap) Len() int { return len(h.runs) }
func (h *runHeap) Less(i, j int) bool {
	for k := range h.by {
		c := &h.by[k]
		if r := c.compare(h.runs[i].row[c.col], h.runs[j].row[c.col]); r != 0 {
			return r < 0
		}
	}
	return h.runs[i].seq < h.runs[j].seq
}
func (h *runHeap) Swap(i, j int) { h.runs[i], h.runs[j] = h.runs[j], h.runs[i] }
func (h *runHeap) Push(r any)    { h.runs = append(h.runs, r.(*run)) }
func (h *runHeap) Pop() any {
	r := h.runs[len(h.runs)-1]
	h.runs = h.runs[:len(h.runs)-1]
	return r
}
