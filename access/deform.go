package access

import (
	"bytes"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

// Deform reads the first upto columns of t into dst, whose by-reference values
// alias t (or what dt returned). Columns behind the tuple's end get their
// missing value or NULL. A nil dt decompresses in line and refuses TOAST
// pointers. It allocates nothing unless it detoasts.
func Deform(d *TupleDesc, t Tuple, upto int, dst []datum.Datum, dt Detoaster) error {
	return deformHeap(d, t, upto, nil, dst, dt)
}

// DeformCols reads only the columns in cols, ascending indexes, into dst[col].
// The others are skipped and not detoasted.
func DeformCols(d *TupleDesc, t Tuple, cols []int, dst []datum.Datum, dt Detoaster) error {
	if len(cols) == 0 {
		return nil
	}
	return deformHeap(d, t, cols[len(cols)-1]+1, cols, dst, dt)
}

func deformHeap(d *TupleDesc, t Tuple, upto int, cols []int, dst []datum.Datum, dt Detoaster) error {
	if !CheckTuple(t) {
		return corruptTuple("header of %d bytes", len(t))
	}
	have := min(upto, t.NAttrs())
	w := walker{data: t[t.Hoff():], dt: dt}
	if t.Infomask()&HasNull != 0 {
		w.bits = t[offBits:]
	}
	if err := w.walk(d, have, cols, dst); err != nil {
		return err
	}
	if have < upto {
		fillMissing(d, have, upto, cols, dst)
	}
	return nil
}

// fillMissing gives the columns that were added after the tuple was made.
func fillMissing(d *TupleDesc, from, upto int, cols []int, dst []datum.Datum) {
	fill := func(i int) {
		if m := d.Attrs[i].Missing; m != nil && !d.Attrs[i].Dropped {
			dst[i] = *m
		} else {
			dst[i] = datum.Null()
		}
	}
	if cols == nil {
		for i := from; i < upto; i++ {
			fill(i)
		}
		return
	}
	for _, i := range cols {
		if i >= from {
			fill(i)
		}
	}
}

// DeformIndex reads the first upto columns of an index tuple. Suffix truncated
// tuples have fewer; the caller knows how many.
func DeformIndex(d *TupleDesc, t IndexTuple, upto int, dst []datum.Datum) error {
	if len(t) < indexHeaderSize || t.DataOffset() > len(t) {
		return corruptTuple("index tuple of %d bytes", len(t))
	}
	w := walker{data: t[t.DataOffset():]}
	if t.Info()&IndexHasNulls != 0 {
		w.bits = t[indexHeaderSize:]
	}
	return w.walk(d, upto, nil, dst)
}

// walker steps through the data part of a tuple.
type walker struct {
	data, bits []byte // bits is nil if no column is null
	dt         Detoaster
}

// walk reads columns [0,n) into dst, or only those in cols if it is not nil.
func (w *walker) walk(d *TupleDesc, n int, cols []int, dst []datum.Datum) error {
	off := 0
	for i := range n {
		want := cols == nil
		if !want && len(cols) > 0 && cols[0] == i {
			want, cols = true, cols[1:]
		}
		if w.bits != nil && w.bits[i>>3]&(1<<(i&7)) == 0 {
			if want {
				dst[i] = datum.Datum{Null: true}
			}
			continue
		}
		a := &d.Attrs[i]
		if a.Len < 0 {
			size, at := w.varSize(a, off)
			if size == 0 {
				return corruptTuple("column %q at %d of %d bytes", a.Name, off, len(w.data))
			}
			off = at + size
			if want {
				if err := w.getVar(a, w.data[at:off:off], &dst[i]); err != nil {
					return err
				}
			}
			continue
		}
		off = alignTo(off, a.Align)
		end := off + int(a.Len)
		if end > len(w.data) {
			return corruptTuple("column %q ends at %d of %d bytes", a.Name, end, len(w.data))
		}
		if want {
			getFixed(a, w.data[off:end:end], &dst[i])
		}
		off = end
	}
	return nil
}

// varSize finds the variable width value at or after off: its length, 0 if it is
// not within the data, and where it starts.
func (w *walker) varSize(a *Attr, off int) (size, at int) {
	if a.Len == -2 {
		off = alignTo(off, a.Align)
		if off > len(w.data) {
			return 0, 0
		}
		return bytes.IndexByte(w.data[off:], 0) + 1, off
	}
	if off >= len(w.data) {
		return 0, 0
	}
	if w.data[off] == 0 { // a pad byte: no header starts with one where alignment is missing
		off = alignTo(off, a.Align)
		if off >= len(w.data) {
			return 0, 0
		}
	}
	return StoredSize(w.data[off:]), off
}

func (w *walker) getVar(a *Attr, b []byte, dst *datum.Datum) error {
	if a.Len == -2 {
		*dst = datum.Datum{Bytes: b[: len(b)-1 : len(b)-1]}
		return nil
	}
	if isPlain(b[0]) {
		*dst = datum.Datum{Bytes: PlainPayload(b)}
		return nil
	}
	var err error
	if w.dt != nil {
		b, err = w.dt.Detoast(b)
	} else {
		b, err = Decompress(b)
	}
	*dst = datum.Bytes(b)
	return err
}

func getFixed(a *Attr, b []byte, dst *datum.Datum) {
	if !a.ByVal {
		if a.Len == nameLen && a.base() == oid.Name {
			if n := bytes.IndexByte(b, 0); n >= 0 {
				b = b[:n:n]
			}
		}
		*dst = datum.Datum{Bytes: b}
		return
	}
	switch a.Len {
	case 4:
		v := le.Uint32(b)
		if t := a.base(); t == oid.Int4 || t == oid.Date {
			*dst = datum.Datum{Int: int64(int32(v))}
		} else {
			*dst = datum.Datum{Int: int64(v)}
		}
	case 8:
		*dst = datum.Datum{Int: int64(le.Uint64(b))}
	case 2:
		*dst = datum.Datum{Int: int64(int16(le.Uint16(b)))}
	default:
		*dst = datum.Datum{Int: int64(b[0])}
	}
}

// StoredColumns sets raw[i] to the stored varlena of each variable length column
// i of t, aliasing t, and to nil for all others.
func StoredColumns(d *TupleDesc, t Tuple, raw [][]byte) error {
	clear(raw)
	if !CheckTuple(t) {
		return corruptTuple("header of %d bytes", len(t))
	}
	w := walker{data: t[t.Hoff():]}
	if t.Infomask()&HasNull != 0 {
		w.bits = t[offBits:]
	}
	off := 0
	for i := range min(len(raw), t.NAttrs()) {
		a := &d.Attrs[i]
		switch {
		case w.bits != nil && w.bits[i>>3]&(1<<(i&7)) == 0:
		case a.Len > 0:
			off = alignTo(off, a.Align) + int(a.Len)
		default:
			size, at := w.varSize(a, off)
			if size == 0 {
				return corruptTuple("column %q at %d of %d bytes", a.Name, off, len(w.data))
			}
			off = at + size
			if a.Len == -1 {
				raw[i] = w.data[at:off:off]
			}
		}
	}
	return nil
}

// Field is a column's bytes in a tuple, as stored.
type Field struct {
	Stored []byte
	Null   bool
}

// Fields sets dst[i] to the bytes of column i of t, aliasing t: for varlena, the
// stored form. A column behind the tuple's end is null.
func Fields(d *TupleDesc, t Tuple, dst []Field) error {
	if !CheckTuple(t) {
		return corruptTuple("header of %d bytes", len(t))
	}
	w := walker{data: t[t.Hoff():]}
	if t.Infomask()&HasNull != 0 {
		w.bits = t[offBits:]
	}
	off := 0
	for i := range dst {
		a := &d.Attrs[i]
		if i >= t.NAttrs() || w.bits != nil && w.bits[i>>3]&(1<<(i&7)) == 0 {
			dst[i] = Field{Null: true}
			continue
		}
		size, at := int(a.Len), alignTo(off, a.Align)
		if a.Len < 0 {
			size, at = w.varSize(a, off)
		}
		if size == 0 || at+size > len(w.data) {
			return corruptTuple("column %q at %d of %d bytes", a.Name, off, len(w.data))
		}
		off = at + size
		dst[i] = Field{Stored: w.data[at:off:off]}
	}
	return nil
}
