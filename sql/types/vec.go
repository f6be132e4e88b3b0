package types

import "github.com/pgmini/pgmini/datum"

// Vec is one column of a batch: row i is Ints[i] if the type is passed by value,
// else Bytes[i], in package datum's form. The slice that the type does not use
// may be nil.
//
//   - Nulls[i] says that row i is NULL; then its value is arbitrary. Nulls may be
//     nil: no row is NULL.
//   - Const says that all rows equal row 0 (a literal, a parameter): readers ask
//     for row 0 only, the slices may have length 1.
//   - Bytes may alias a pinned page or other memory of the batch: whoever keeps a
//     value beyond the batch copies it.
//
// A selection vector, sel, lists in ascending order the rows that count; other
// rows hold garbage and must not be looked at (they may not satisfy the
// conditions that protect an expression, as in x <> 0 AND 1/x > 0).
type Vec struct {
	Ints  []int64
	Bytes [][]byte
	Nulls []bool
	Const bool
	// Stored, if not nil, has the stored varlenas that Bytes were taken from,
	// for who asks how a table holds its values; a nil one is not known.
	Stored [][]byte
}

// NewVec makes a column for n rows, without NULLs.
func NewVec(n int, byVal bool) Vec {
	if byVal {
		return Vec{Ints: make([]int64, n), Nulls: make([]bool, n)}
	}
	return Vec{Bytes: make([][]byte, n), Nulls: make([]bool, n)}
}

// ConstVec makes a column whose rows are all d.
func ConstVec(d datum.Datum) Vec {
	return Vec{Ints: []int64{d.Int}, Bytes: [][]byte{d.Bytes}, Nulls: []bool{d.Null}, Const: true}
}

// Index is the slot that holds row i.
func (v *Vec) Index(i int32) int32 {
	if v.Const {
		return 0
	}
	return i
}

// IsNull reports whether row i is NULL.
func (v *Vec) IsNull(i int32) bool { return v.Nulls != nil && v.Nulls[v.Index(i)] }

// Get is row i as a datum.
func (v *Vec) Get(i int32) datum.Datum {
	i = v.Index(i)
	var d datum.Datum
	if v.Nulls != nil && v.Nulls[i] {
		d.Null = true
		return d
	}
	if int(i) < len(v.Ints) {
		d.Int = v.Ints[i]
	}
	if int(i) < len(v.Bytes) {
		d.Bytes = v.Bytes[i]
	}
	return d
}

// Set stores d in row i of a column that is not Const.
func (v *Vec) Set(i int32, d datum.Datum) {
	if v.Nulls != nil {
		v.Nulls[i] = d.Null
	}
	if d.Null {
		return
	}
	if int(i) < len(v.Ints) {
		v.Ints[i] = d.Int
	}
	if int(i) < len(v.Bytes) {
		v.Bytes[i] = d.Bytes
	}
}
