// Package array reads and writes PostgreSQL's binary array form, the payload of
// an anyarray datum (ArrayType without the varlena header, PostgreSQL 15):
//
//	int32 ndim, int32 dataoffset (0: no NULL), uint32 element type,
//	ndim × int32 length, ndim × int32 lower bound, [null bitmap], elements
//
// The elements start at an offset divisible by 8 counted from the varlena's
// first byte, which is four bytes before the payload's.
//
// INV-ARR-1: no payload, however damaged, makes a function of this package panic
// or allocate more than a small multiple of the payload's length.
// Enforced: Parse. Tested: FuzzParse.
package array

import (
	"encoding/binary"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// Limits of an array (PostgreSQL: MAXDIM, MaxArraySize).
const (
	MaxDim   = 6
	MaxElems = 0x3fffffff / 8
)

const (
	fixed  = 12 // ndim, dataoffset, element type
	varlen = 4  // the varlena header that the payload lacks
)

var le = binary.LittleEndian // constant

// Elem is the storage of the element type: typlen, typbyval, typalign.
type Elem struct {
	Len   int16
	ByVal bool
	Align byte // 'c', 's', 'i', 'd'
}

// Dim is one dimension: its length and the subscript of its first element.
type Dim struct{ Len, Lower int32 }

// Upper is the last subscript.
func (d Dim) Upper() int32 { return d.Lower + d.Len - 1 }

// Array is a taken-apart array. No dimension: the empty array. Elements lie in
// row-major order and alias the payload they were parsed from.
type Array struct {
	Type  oid.OID
	Dims  []Dim
	Elems []datum.Datum
}

// Of makes a one-dimensional array with lower bound 1, or the empty array.
func Of(typ oid.OID, elems []datum.Datum) Array {
	if len(elems) == 0 {
		return Array{Type: typ}
	}
	return Array{Type: typ, Dims: []Dim{{int32(len(elems)), 1}}, Elems: elems}
}

func corrupt() error { return pgerr.New(pgerr.DataCorrupted, "array value is damaged") }

// Type reads the element type of a payload; 0 if it is too short to have one.
func Type(b []byte) oid.OID {
	if len(b) < fixed {
		return oid.Invalid
	}
	return oid.OID(le.Uint32(b[8:]))
}

// Dims reads the dimensions of a payload.
func Dims(b []byte) ([]Dim, error) {
	h, err := readHead(b)
	if err != nil {
		return nil, err
	}
	ds := make([]Dim, h.ndim)
	for i := range ds {
		ds[i] = h.dim(b, i)
	}
	return ds, nil
}

// Count reads the number of elements of a payload; 0 if it is damaged.
func Count(b []byte) int {
	h, err := readHead(b)
	if err != nil {
		return 0
	}
	return h.n
}

type head struct{ ndim, n, data, bitmap int }

func (h head) dim(b []byte, i int) Dim {
	return Dim{int32(le.Uint32(b[fixed+4*i:])), int32(le.Uint32(b[fixed+4*h.ndim+4*i:]))}
}

func readHead(b []byte) (head, error) {
	var h head
	if len(b) < fixed {
		return h, corrupt()
	}
	h.ndim = int(int32(le.Uint32(b)))
	off := int(int32(le.Uint32(b[4:])))
	if h.ndim < 0 || h.ndim > MaxDim || len(b) < fixed+8*h.ndim {
		return h, corrupt()
	}
	if h.ndim == 0 {
		return h, nil
	}
	n := int64(1)
	for i := range h.ndim {
		d := h.dim(b, i)
		if d.Len < 0 || int64(d.Lower)+int64(d.Len) > 1<<31-1 {
			return h, corrupt()
		}
		if n *= int64(d.Len); n > MaxElems {
			return h, corrupt()
		}
	}
	h.n = int(n)
	if off == 0 {
		h.data = alignUp(varlen+fixed+8*h.ndim, 8) - varlen
	} else {
		h.bitmap = fixed + 8*h.ndim
		h.data = off - varlen
		if h.data < h.bitmap+(h.n+7)/8 {
			return h, corrupt()
		}
	}
	if h.data > len(b) && !(h.n == 0 && off == 0) {
		return h, corrupt()
	}
	return h, nil
}

// Iter walks the elements of a payload without allocating.
type Iter struct {
	b    []byte
	e    Elem
	typ  oid.OID
	h    head
	i    int
	at   int
	fail bool
}

// Walk starts at the first element.
func Walk(b []byte, e Elem) (Iter, error) {
	h, err := readHead(b)
	if err != nil {
		return Iter{}, err
	}
	return Iter{b: b, e: e, typ: Type(b), h: h, at: h.data}, nil
}

// Len is the number of elements.
func (it *Iter) Len() int { return it.h.n }

// Next returns the next element; ok is false at the end and at damage.
func (it *Iter) Next() (d datum.Datum, ok bool) {
	if it.i >= it.h.n || it.fail {
		return d, false
	}
	i := it.i
	it.i++
	if it.h.bitmap != 0 && it.b[it.h.bitmap+i/8]&(1<<(i%8)) == 0 {
		return datum.Null(), true
	}
	d, next, ok := Load(it.b, it.at, it.typ, it.e)
	if !ok {
		it.fail = true
		return d, false
	}
	it.at = next
	return d, true
}

// Damaged reports that Next stopped before the end.
func (it *Iter) Damaged() bool { return it.fail }

// Parse takes a payload apart.
func Parse(b []byte, e Elem) (Array, error) {
	it, err := Walk(b, e)
	if err != nil {
		return Array{}, err
	}
	a := Array{Type: it.typ}
	if it.h.n == 0 {
		return a, nil
	}
	if it.h.n > 8*len(b) {
		return Array{}, corrupt()
	}
	for i := range it.h.ndim {
		a.Dims = append(a.Dims, it.h.dim(b, i))
	}
	a.Elems = make([]datum.Datum, 0, it.h.n)
	for {
		d, ok := it.Next()
		if !ok {
			break
		}
		a.Elems = append(a.Elems, d)
	}
	if it.fail {
		return Array{}, corrupt()
	}
	return a, nil
}

// Load reads the element at payload offset at (after alignment) and returns the
// offset behind it.
func Load(b []byte, at int, typ oid.OID, e Elem) (d datum.Datum, next int, ok bool) {
	if at < 0 || at > len(b) {
		return d, 0, false
	}
	aligned := alignUp(at+varlen, e.width()) - varlen
	switch {
	case e.Len > 0:
		end := aligned + int(e.Len)
		if end > len(b) {
			return d, 0, false
		}
		v := b[aligned:end:end]
		if e.ByVal {
			return datum.Datum{Int: LoadInt(v, typ)}, end, true
		}
		if typ == oid.Name {
			v = trimNul(v)
		}
		return datum.Bytes(v), end, true
	case e.Len == -1:
		if at < len(b) && b[at] != 0 && b[at]&1 == 1 { // one-byte header: never aligned
			n := int(b[at] >> 1)
			if n < 1 || at+n > len(b) {
				return d, 0, false
			}
			return datum.Bytes(b[at+1 : at+n : at+n]), at + n, true
		}
		if aligned+4 > len(b) {
			return d, 0, false
		}
		h := le.Uint32(b[aligned:])
		n := int(h >> 2)
		if h&3 != 0 || n < 4 || aligned+n > len(b) {
			return d, 0, false
		}
		return datum.Bytes(b[aligned+4 : aligned+n : aligned+n]), aligned + n, true
	case e.Len == -2:
		for i := at; i < len(b); i++ {
			if b[i] == 0 {
				return datum.Bytes(b[at:i:i]), i + 1, true
			}
		}
	}
	return d, 0, false
}

func trimNul(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i:i]
		}
	}
	return b
}

// Signed reports whether a by-value type of fewer than 8 bytes is sign-extended
// in a datum. Domains are not known here: functions cut Int to their width.
func Signed(typ oid.OID) bool {
	return typ == oid.Int4 || typ == oid.Int2 || typ == oid.Date
}

// LoadInt reads a by-value element of len(v) bytes.
func LoadInt(v []byte, typ oid.OID) int64 {
	switch len(v) {
	case 1:
		return int64(v[0])
	case 2:
		if Signed(typ) {
			return int64(int16(le.Uint16(v)))
		}
		return int64(le.Uint16(v))
	case 4:
		if Signed(typ) {
			return int64(int32(le.Uint32(v)))
		}
		return int64(le.Uint32(v))
	case 8:
		return int64(le.Uint64(v))
	}
	return 0
}

func (e Elem) width() int {
	switch e.Align {
	case 's':
		return 2
	case 'i':
		return 4
	case 'd':
		return 8
	}
	return 1
}

func alignUp(n, w int) int { return (n + w - 1) &^ (w - 1) }

// Build makes the payload of a. len(a.Elems) must be the product of the
// dimensions' lengths. The result's elements have four-byte headers, as
// PostgreSQL writes them.
func Build(a Array, e Elem) []byte {
	if len(a.Elems) == 0 {
		b := make([]byte, fixed)
		le.PutUint32(b[8:], uint32(a.Type))
		return b
	}
	nulls, size := false, 0
	for _, d := range a.Elems {
		if d.Null {
			nulls = true
		} else {
			size += len(d.Bytes) + 16
		}
	}
	nd := len(a.Dims)
	at := fixed + 8*nd
	if nulls {
		at += (len(a.Elems) + 7) / 8
	}
	at = alignUp(at+varlen, 8) - varlen
	b := make([]byte, at, at+size)
	le.PutUint32(b, uint32(nd))
	le.PutUint32(b[8:], uint32(a.Type))
	for i, d := range a.Dims {
		le.PutUint32(b[fixed+4*i:], uint32(d.Len))
		le.PutUint32(b[fixed+4*nd+4*i:], uint32(d.Lower))
	}
	if nulls {
		le.PutUint32(b[4:], uint32(at+varlen))
	}
	for i, d := range a.Elems {
		if d.Null {
			continue
		}
		if nulls {
			b[fixed+8*nd+i/8] |= 1 << (i % 8)
		}
		b = appendElem(b, d, e)
	}
	return padTo(b, e.width())
}

// padTo: PostgreSQL aligns after each element as well, so the array's length is
// a multiple of the element's alignment.
func padTo(b []byte, w int) []byte {
	for (len(b)+varlen)%w != 0 {
		b = append(b, 0)
	}
	return b
}

func appendElem(b []byte, d datum.Datum, e Elem) []byte {
	b = padTo(b, e.width())
	switch {
	case e.ByVal:
		var w [8]byte
		le.PutUint64(w[:], uint64(d.Int))
		return append(b, w[:e.Len]...)
	case e.Len > 0:
		start := len(b)
		b = append(b, d.Bytes[:min(len(d.Bytes), int(e.Len))]...)
		for len(b) < start+int(e.Len) {
			b = append(b, 0)
		}
		return b
	case e.Len == -1:
		b = le.AppendUint32(b, uint32(len(d.Bytes)+4)<<2)
		return append(b, d.Bytes...)
	default:
		return append(append(b, d.Bytes...), 0)
	}
}

// Vector makes the payload of an int2vector or oidvector: one dimension, lower
// bound 0, also when it is empty.
func Vector(typ oid.OID, vals []int64) []byte {
	w := 4
	if typ == oid.Int2 {
		w = 2
	}
	b := make([]byte, fixed+8, fixed+8+w*len(vals))
	le.PutUint32(b, 1)
	le.PutUint32(b[8:], uint32(typ))
	le.PutUint32(b[12:], uint32(len(vals)))
	for _, v := range vals {
		if w == 2 {
			b = le.AppendUint16(b, uint16(v))
		} else {
			b = le.AppendUint32(b, uint32(v))
		}
	}
	return b
}

// VectorInts reads an int2vector or oidvector payload.
func VectorInts(b []byte) []int64 {
	typ := Type(b)
	e := Elem{Len: 4, ByVal: true, Align: 'i'}
	if typ == oid.Int2 {
		e = Elem{Len: 2, ByVal: true, Align: 's'}
	}
	it, err := Walk(b, e)
	if err != nil {
		return nil
	}
	var out []int64
	for {
		d, ok := it.Next()
		if !ok {
			return out
		}
		out = append(out, d.Int)
	}
}
