// Package datum is the form of one SQL value in memory.
//
// A type that is passed by value (pg_type.typbyval: bool, "char", int2, int4,
// int8, oid and its kin, xid, float4, float8, date, time, timestamp,
// timestamptz, pg_lsn, …) travels in Int: integers sign-extended, oid-like types,
// xid, "char" and bool zero-extended, float8 as its IEEE bits, float4 as its 32
// bits zero-extended. Every other type travels in Bytes, in the same bytes that
// the disk holds without the varlena header:
//
//   - varlena (typlen -1): the payload after the length word, never compressed
//     and never a TOAST pointer. Offsets inside the payload (arrays) that
//     PostgreSQL counts from the varlena's start are 4 larger than the index.
//   - fixed length by reference (uuid, interval, tid, macaddr, point …): the
//     typlen bytes. name: without the trailing NULs.
//   - cstring (typlen -2): without the NUL.
//
// Bytes may alias a pinned page or a batch's memory: whoever keeps a Datum
// beyond the row it came with clones it.
package datum

import (
	"math"
	"slices"
)

// Datum is one value or NULL.
type Datum struct {
	Int   int64
	Bytes []byte
	Null  bool
}

// Null is the SQL NULL of any type.
func Null() Datum { return Datum{Null: true} }

// Int makes a by-value datum.
func Int(v int64) Datum { return Datum{Int: v} }

// Bool makes a bool.
func Bool(v bool) Datum {
	if v {
		return Datum{Int: 1}
	}
	return Datum{}
}

// Float8 makes a float8.
func Float8(v float64) Datum { return Datum{Int: int64(math.Float64bits(v))} }

// Float4 makes a float4.
func Float4(v float32) Datum { return Datum{Int: int64(math.Float32bits(v))} }

// Bytes makes a by-reference datum that aliases b.
func Bytes(b []byte) Datum {
	if b == nil {
		b = []byte{}
	}
	return Datum{Bytes: b}
}

// String makes a by-reference datum from s (text, name, cstring …).
func String(s string) Datum { return Bytes([]byte(s)) }

// Bool reads a bool.
func (d Datum) Bool() bool { return d.Int != 0 }

// Float8 reads a float8.
func (d Datum) Float8() float64 { return math.Float64frombits(uint64(d.Int)) }

// Float4 reads a float4.
func (d Datum) Float4() float32 { return math.Float32frombits(uint32(d.Int)) }

// Str reads text, name or cstring, copying.
func (d Datum) Str() string { return string(d.Bytes) }

// Clone returns d with bytes of its own.
func (d Datum) Clone() Datum {
	d.Bytes = slices.Clone(d.Bytes)
	return d
}
