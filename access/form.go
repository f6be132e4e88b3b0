package access

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
)

const nameLen = 64

// dataSize is the length of the data part, as if it started at a multiple of 8,
// and whether a null or a variable width column is there. raw[i], if not nil, is
// the stored varlena that column i takes instead of vals[i].
func dataSize(d *TupleDesc, vals []datum.Datum, raw [][]byte) (size int, nulls, varWidth bool) {
	for i := range vals {
		a := &d.Attrs[i]
		if a.Len < 0 {
			varWidth = varWidth || !isNull(a, vals, raw, i)
		}
		if isNull(a, vals, raw, i) {
			nulls = true
			continue
		}
		switch {
		case a.Len > 0:
			size = alignTo(size, a.Align) + int(a.Len)
		case a.Len == -2:
			size = alignTo(size, a.Align) + len(vals[i].Bytes) + 1
		case raw != nil && raw[i] != nil:
			size = rawAlign(size, a, raw[i]) + storedLen(a, raw[i])
		case a.packable() && len(vals[i].Bytes) < shortMax:
			size += 1 + len(vals[i].Bytes)
		default:
			size = alignTo(size, a.Align) + 4 + len(vals[i].Bytes)
		}
	}
	return size, nulls, varWidth
}

func isNull(a *Attr, vals []datum.Datum, raw [][]byte, i int) bool {
	return a.Dropped || vals[i].Null && (raw == nil || raw[i] == nil)
}

// rawAlign aligns off for stored: values with a 1-byte header are not aligned.
func rawAlign(off int, a *Attr, stored []byte) int {
	if stored[0]&1 == 1 || repack(a, stored) {
		return off
	}
	return alignTo(off, a.Align)
}

// repack reports whether stored has a long header where a short one does.
func repack(a *Attr, stored []byte) bool {
	return stored[0]&3 == 0 && a.packable() && len(stored)-3 <= shortMax
}

func storedLen(a *Attr, stored []byte) int {
	if repack(a, stored) {
		return len(stored) - 3
	}
	return len(stored)
}

// fillData writes the data part into b, which is zero, and the null bitmap into
// bits, which is zero or nil. It reports whether a TOAST pointer is there.
func fillData(d *TupleDesc, vals []datum.Datum, raw [][]byte, b, bits []byte) (external bool) {
	off := 0
	for i := range vals {
		a := &d.Attrs[i]
		if isNull(a, vals, raw, i) {
			continue
		}
		if bits != nil {
			bits[i>>3] |= 1 << (i & 7)
		}
		switch {
		case a.Len > 0:
			off = alignTo(off, a.Align)
			putFixed(b[off:], a, &vals[i])
			off += int(a.Len)
		case a.Len == -2:
			off = alignTo(off, a.Align)
			off += copy(b[off:], vals[i].Bytes) + 1
		case raw != nil && raw[i] != nil:
			off = rawAlign(off, a, raw[i])
			external = external || IsExternal(raw[i])
			if repack(a, raw[i]) {
				off += putShort(b[off:], raw[i][4:])
			} else {
				off += copy(b[off:], raw[i])
			}
		case a.packable() && len(vals[i].Bytes) < shortMax:
			off += putShort(b[off:], vals[i].Bytes)
		default:
			off = alignTo(off, a.Align)
			le.PutUint32(b[off:], uint32(4+len(vals[i].Bytes))<<2)
			off += 4 + copy(b[off+4:], vals[i].Bytes)
		}
	}
	return external
}

func putShort(b, payload []byte) int {
	b[0] = byte(len(payload)+1)<<1 | 1
	return 1 + copy(b[1:], payload)
}

func putFixed(b []byte, a *Attr, v *datum.Datum) {
	if !a.ByVal {
		copy(b[:a.Len], v.Bytes)
		return
	}
	switch a.Len {
	case 1:
		b[0] = byte(v.Int)
	case 2:
		le.PutUint16(b, uint16(v.Int))
	case 4:
		le.PutUint32(b, uint32(v.Int))
	default:
		le.PutUint64(b, uint64(v.Int))
	}
}

// checkValues refuses what no tuple can hold: too many columns, a fixed-length
// value of another length, an overlong varlena.
func checkValues(d *TupleDesc, vals []datum.Datum) error {
	if len(vals) > len(d.Attrs) {
		return pgerr.New(pgerr.InternalError, "%d values for %d columns", len(vals), len(d.Attrs))
	}
	if len(vals) > MaxTupleAtts {
		return pgerr.New(pgerr.TooManyColumns, "number of columns (%d) exceeds limit (%d)", len(vals), MaxTupleAtts)
	}
	for i := range vals {
		a := &d.Attrs[i]
		switch {
		case vals[i].Null || a.Dropped || a.ByVal:
		case a.Len > 0 && a.base() == oid.Name && len(vals[i].Bytes) >= nameLen,
			a.Len > 0 && a.base() != oid.Name && len(vals[i].Bytes) != int(a.Len) && int(a.Len) != nameLen:
			return pgerr.New(pgerr.InternalError, "column %q: value of %d bytes for a type of %d", a.Name, len(vals[i].Bytes), a.Len)
		case a.Len == -1 && len(vals[i].Bytes) > maxVarlena-4:
			return pgerr.New(pgerr.ProgramLimitExceeded, "invalid memory alloc request size %d", len(vals[i].Bytes))
		}
	}
	return nil
}

// FormTuple makes a heap tuple of vals: header with t_hoff, column count and the
// HASNULL, HASVARWIDTH and HASEXTERNAL bits, all else zero (PostgreSQL:
// heap_form_tuple). A dropped column is null.
func FormTuple(d *TupleDesc, vals []datum.Datum) (Tuple, error) { return FormStored(d, vals, nil) }

// FormStored is FormTuple where raw[i], if not nil, is the stored varlena that
// column i takes as it is: compressed, external, or copied from another tuple.
func FormStored(d *TupleDesc, vals []datum.Datum, raw [][]byte) (Tuple, error) {
	return formIn(nil, d, vals, raw)
}

// FormIn is FormTuple in mem, if that has the room.
func FormIn(mem []byte, d *TupleDesc, vals []datum.Datum) (Tuple, error) {
	return formIn(mem, d, vals, nil)
}

func formIn(mem []byte, d *TupleDesc, vals []datum.Datum, raw [][]byte) (Tuple, error) {
	if err := checkValues(d, vals); err != nil {
		return nil, err
	}
	size, nulls, varWidth := dataSize(d, vals, raw)
	hoff := HeaderLen(len(vals), nulls)
	var t Tuple
	if n := hoff + size; n <= len(mem) {
		t = mem[:n:n]
		clear(t)
	} else {
		t = make(Tuple, n)
	}
	var bits []byte
	m := uint16(0)
	if nulls {
		m |= HasNull
		bits = t[offBits:hoff]
	}
	if varWidth {
		m |= HasVarWidth
	}
	if fillData(d, vals, raw, t[hoff:], bits) {
		m |= HasExternal
	}
	t.SetInfomask(m)
	t.SetInfomask2(uint16(len(vals)))
	t.SetHoff(hoff)
	t.SetCTID(page.TID{Block: page.InvalidBlock})
	return t, nil
}

// HeaderLen is t_hoff of a tuple with n columns.
func HeaderLen(n int, nulls bool) int {
	h := TupleHeaderSize
	if nulls {
		h += (n + 7) / 8
	}
	return page.MaxAlign(h)
}

// FormComposite makes the value of a composite type: a datum whose payload is
// the tuple behind its length word, with type id and typmod of d in the header.
func FormComposite(d *TupleDesc, vals []datum.Datum) (datum.Datum, error) {
	t, err := FormTuple(d, vals)
	if err != nil {
		return datum.Datum{}, err
	}
	le.PutUint32(t[4:], uint32(d.TypMod))
	le.PutUint32(t[8:], uint32(d.TypeID))
	return datum.Bytes(t[4:]), nil
}

// CompositeTuple turns the payload of a composite value back into a tuple for
// Deform, and gives its type id and typmod.
func CompositeTuple(payload []byte) (t Tuple, typeID oid.OID, typMod int32, err error) {
	t = make(Tuple, 4+len(payload))
	copy(t[4:], payload)
	if !CheckTuple(t) {
		return nil, 0, 0, corruptTuple("composite value of %d bytes", len(payload))
	}
	return t, oid.OID(le.Uint32(t[8:])), int32(le.Uint32(t[4:])), nil
}

// FormIndexTuple makes an index tuple of vals that points at tid (PostgreSQL:
// index_form_tuple). Long values of columns whose storage allows it are
// compressed in line.
func FormIndexTuple(d *TupleDesc, vals []datum.Datum, tid page.TID) (IndexTuple, error) {
	if err := checkValues(d, vals); err != nil {
		return nil, err
	}
	var raw [][]byte
	for i := range vals {
		a := &d.Attrs[i]
		if a.Len != -1 || vals[i].Null || len(vals[i].Bytes) <= indexToastTarget-4 || a.Storage != 'x' && a.Storage != 'm' {
			continue
		}
		c, ok, err := Compress(vals[i].Bytes, a.Compression)
		if err != nil {
			return nil, err
		}
		if ok {
			if raw == nil {
				raw = make([][]byte, len(vals))
			}
			raw[i] = c
		}
	}
	size, nulls, varWidth := dataSize(d, vals, raw)
	off := indexDataOffset(nulls)
	total := page.MaxAlign(off + size)
	if total > IndexSizeMask {
		return nil, pgerr.New(pgerr.ProgramLimitExceeded, "index row requires %d bytes, maximum size is %d", total, IndexSizeMask)
	}
	t := make(IndexTuple, total)
	info := uint16(total)
	var bits []byte
	if nulls {
		info |= IndexHasNulls
		bits = t[indexHeaderSize : indexHeaderSize+indexNullBytes]
	}
	if varWidth {
		info |= IndexHasVar
	}
	fillData(d, vals, raw, t[off:], bits)
	t.SetInfo(info)
	t.SetTID(tid)
	return t, nil
}

// indexToastTarget is TOAST_INDEX_TARGET: MaxHeapTupleSize / 16.
const indexToastTarget = 8160 / 16

// DataSize is the length of the data part of the tuple that FormStored would make.
func DataSize(d *TupleDesc, vals []datum.Datum, raw [][]byte) int {
	n, _, _ := dataSize(d, vals, raw)
	return n
}
