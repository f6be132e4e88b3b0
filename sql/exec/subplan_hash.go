package exec

import (
	"bytes"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/sql/types"
)

// hashedSub answers x IN (subquery) from a set of the subquery's rows.
type hashedSub struct {
	left  []expr
	keys  []keyEncoder
	rows  map[string]struct{}
	empty bool
	buf   []byte
	vecs  []*types.Vec
	built bool
	// ext are the parameters of outer levels that the subquery reads, and was
	// their values when it was read: other values make another set.
	ext []int
	was []datum.Datum
	// whole and holes are the distinct rows without and with NULL by column, ""
	// for NULL: what a row that is not found may still be unequal to only
	// perhaps. whole is kept for several columns only.
	whole, holes [][]string
	seen         map[string]struct{} // of holes
	probe        []string
}

// build reads the whole subquery.
func (h *hashedSub) build(x *Execution, n Node) error {
	h.rows, h.seen, h.whole, h.holes, h.empty = map[string]struct{}{}, map[string]struct{}{}, nil, nil, true
	h.probe = make([]string, len(h.keys))
	for {
		in, err := n.Next(x)
		if err != nil {
			return err
		}
		if in == nil {
			h.built = true
			return nil
		}
		for _, i := range in.Sel {
			h.empty = false
			h.add(in.Cols, i)
		}
	}
}

func (h *hashedSub) add(cols []*types.Vec, i int32) {
	null := h.encode(cols[:len(h.keys)], i)
	set := h.rows
	if null {
		set = h.seen
	}
	if _, ok := set[string(h.buf)]; ok {
		return
	}
	set[string(h.buf)] = struct{}{}
	switch {
	case null:
		h.holes = append(h.holes, h.split(cols, i))
	case len(h.keys) > 1:
		h.whole = append(h.whole, h.split(cols, i))
	}
}

// encode sets buf to the key of row i and reports whether it has a NULL.
func (h *hashedSub) encode(cols []*types.Vec, i int32) bool {
	h.buf = h.buf[:0]
	null := false
	for k, v := range cols {
		if v.Nulls[i] {
			null = true
			h.buf = append(h.buf, 1)
			continue
		}
		h.buf = h.keys[k](append(h.buf, 0), at(v, i))
	}
	return null
}

func (h *hashedSub) split(cols []*types.Vec, i int32) []string {
	out := make([]string, len(h.keys))
	for k := range h.keys {
		if !cols[k].Nulls[i] {
			out[k] = string(h.keys[k]([]byte{0}, at(cols[k], i)))
		}
	}
	return out
}

// maybe reports whether row i would equal one of rows if NULLs were chosen well.
func (h *hashedSub) maybe(i int32, rows [][]string) bool {
	if len(rows) == 0 {
		return false
	}
	p := h.split(h.vecs, i)
next:
	for _, r := range rows {
		for k, s := range r {
			if s != "" && p[k] != "" && s != p[k] {
				continue next
			}
		}
		return true
	}
	return false
}

func (h *hashedSub) eval(x *Execution, e *subPlan, b *Batch, sel []int32) (*types.Vec, error) {
	fresh, err := h.current(x)
	if err != nil {
		return nil, err
	}
	if !fresh {
		if err := e.restart(x); err != nil {
			return nil, err
		}
		if err := h.build(x, e.plan); err != nil {
			return nil, err
		}
	}
	for k, l := range h.left {
		v, err := l.eval(x, b, sel)
		if err != nil {
			return nil, err
		}
		h.vecs[k] = v
	}
	grow(&e.out, b.N, false)
	for _, i := range sel {
		put(&e.out, i, h.look(i))
	}
	return &e.out, nil
}

// current reports whether the set was built from the parameters as they are, and
// remembers them.
func (h *hashedSub) current(x *Execution) (bool, error) {
	same := h.built
	if h.was == nil {
		h.was = make([]datum.Datum, len(h.ext))
	}
	for k, p := range h.ext {
		d, err := x.slots[p].value(x)
		if err != nil {
			return false, err
		}
		if w := h.was[k]; !same || d.Null != w.Null || d.Int != w.Int || !bytes.Equal(d.Bytes, w.Bytes) {
			same = false
			h.was[k] = d.Clone()
		}
	}
	return same, nil
}

// look answers for row i of vecs.
func (h *hashedSub) look(i int32) datum.Datum {
	if h.empty {
		return datum.Bool(false)
	}
	null := h.encode(h.vecs, i)
	if _, found := h.rows[string(h.buf)]; found && !null {
		return datum.Bool(true)
	}
	one := len(h.keys) == 1
	if null && one || null && h.maybe(i, h.whole) || len(h.holes) > 0 && (one || h.maybe(i, h.holes)) {
		return datum.Null()
	}
	return datum.Bool(false)
}
