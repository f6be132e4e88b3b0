package exec

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/types"
)

// storedMode is what scans of tables put in Vec.Stored. It travels as far as
// operators hand on the scan's vectors; one that makes rows of its own, as joins
// and sorts do, drops it.
type storedMode uint8

const (
	storedNone storedMode = iota
	storedLong            // compressed values, in line, so that INSERT need not compress again
	storedAll             // every varlena as it is: a function asks
)

// loadStored sets the stored varlenas of row i of b, which t was loaded into.
func (s *tableScope) loadStored(x *Execution, b *Batch, i int32, t heap.Tuple) error {
	have := len(s.cols) > 0 && (x.stored == storedAll || s.toast.used)
	if have {
		if s.raw == nil {
			s.raw = make([][]byte, len(s.rel.Desc.Attrs))
		}
		if err := access.StoredColumns(s.rel.Desc, t.Data, s.raw); err != nil {
			return err
		}
	}
	for c, n := range s.attrs {
		if n <= 0 || s.rel.Desc.Attrs[n-1].Len != -1 {
			continue
		}
		v := b.Cols[c]
		if len(v.Stored) < len(v.Nulls) {
			if !have && v.Stored == nil {
				continue
			}
			v.Stored = append(v.Stored, make([][]byte, len(v.Nulls)-len(v.Stored))...)
		}
		v.Stored[i] = nil
		if !have {
			continue
		}
		stored := s.raw[n-1]
		if x.stored == storedLong {
			var err error
			if stored, err = s.toast.inline(stored); err != nil {
				return err
			}
		}
		v.Stored[i] = stored
	}
	return nil
}

// inline returns a compressed value in line, wherever it is, and nil for others.
func (d *lazyToast) inline(stored []byte) ([]byte, error) {
	switch {
	case access.IsCompressed(stored):
		return stored, nil
	case !access.IsExternal(stored) || !access.GetExternal(stored).Compressed():
		return nil, nil
	}
	return heap.NewDetoaster(d.x.Tx, d.rel).Inline(stored)
}

// keepStored returns, by column, the compressed values of n.vals that are those
// of row i of b: they are stored as they are, whatever the table's method is.
func (n *modify) keepStored(b *Batch, i int32) [][]byte {
	if n.p.Operation != node.CmdInsert {
		return nil
	}
	found := false
	for k := range n.vals {
		v := b.Cols[k]
		if int(i) >= len(v.Stored) || !access.IsCompressed(v.Stored[i]) || !n.same(k, at(v, i)) {
			continue
		}
		if !found {
			if n.raw == nil {
				n.raw = make([][]byte, len(n.vals))
			}
			clear(n.raw)
			found = true
		}
		n.raw[k] = v.Stored[i]
	}
	if !found {
		return nil
	}
	return n.raw
}

// same reports whether column k still has the value d, not a trigger's, and
// takes compressed values.
func (n *modify) same(k int, d datum.Datum) bool {
	have, a := n.vals[k], &n.rel.Desc.Attrs[k]
	return !have.Null && !d.Null && a.Len == -1 && a.Storage != 'p' &&
		len(d.Bytes) > 0 && len(have.Bytes) == len(d.Bytes) && &have.Bytes[0] == &d.Bytes[0]
}

// storedCall is a call of a function about how its argument is stored.
type storedCall struct{ *call }

func (e *storedCall) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	v, err := e.args[0].eval(x, b, sel)
	if err != nil {
		return nil, err
	}
	grow(&e.out, b.N, e.byRef)
	e.c.Env = x.Env
	for _, i := range sel {
		e.c.Args[0], e.c.Stored = at(v, i), nil
		if v.Nulls[i] {
			put(&e.out, i, datum.Null())
			continue
		}
		if int(i) < len(v.Stored) {
			e.c.Stored = v.Stored[i]
		}
		d, err := e.fn.Scalar(&e.c)
		if err != nil {
			return nil, err
		}
		put(&e.out, i, d)
	}
	return &e.out, nil
}
