// Package cmp holds the ordering and hashing of PostgreSQL 15's basic types: the
// btree support function 1 (comparison), the hash support functions 1 and 2, and
// the facts behind support function 4 (equalimage), keyed by pg_proc.prosrc.
//
// Strings are compared in the collation "C" (bytes): the caller asks only when
// the collation is "C", "POSIX", or the default of a database with that locale.
//
// By-value arguments are cut to their width here, so it does not matter how the
// caller extended them. NULLs are the caller's.
//
// INV-CMP-1: a comparison equals that of stock PostgreSQL, and a hash is the
// same number, because index pages hold both orders and hashes.
// Enforced: ByProc, HashByProc. Tested: TestCompareLikeStock, TestHashLikeStock.
package cmp

import (
	"bytes"
	gocmp "cmp"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/datum/jsonb"
	"github.com/pgmini/pgmini/datum/numeric"
	"github.com/pgmini/pgmini/oid"
)

// Func orders two datums that are not NULL: negative, zero, positive.
type Func = func(a, b datum.Datum) int

// ByProc returns the comparison that pg_proc.prosrc names. False: not here;
// among those are btarraycmp (see Array), btrecordcmp, and comparisons of
// timestamp with timestamptz, which depend on the session's time zone.
func ByProc(prosrc string) (Func, bool) {
	f, ok := byProc[prosrc]
	return f, ok
}

// constant
var byProc = map[string]Func{
	"btboolcmp": u8, "btcharcmp": u8,
	"btint2cmp": i2i2, "btint4cmp": i4i4, "btint8cmp": i8i8,
	"btint24cmp": i2i4, "btint28cmp": i2i8, "btint42cmp": i4i2,
	"btint48cmp": i4i8, "btint82cmp": i8i2, "btint84cmp": i8i4,
	"btoidcmp": u4, "btoidvectorcmp": oidVector,
	"xid8cmp": u8bytes, "pg_lsn_cmp": u8bytes, "cash_cmp": i8i8,
	"btfloat4cmp": f4f4, "btfloat8cmp": f8f8, "btfloat48cmp": f4f8, "btfloat84cmp": f8f4,
	"jsonb_cmp":   jsonB,
	"bitcmp":      bitString,
	"numeric_cmp": func(a, b datum.Datum) int { return numeric.Compare(a.Bytes, b.Bytes) },
	"bttextcmp":   raw, "btnamecmp": raw, "btnametextcmp": raw, "bttextnamecmp": raw,
	"bttext_pattern_cmp": raw, "byteacmp": raw, "uuid_cmp": raw, "macaddr_cmp": raw, "macaddr8_cmp": raw,
	"bpcharcmp": bpchar, "btbpchar_pattern_cmp": bpchar,
	"bttidcmp": tid,
	"date_cmp": i4i4, "time_cmp": i8i8, "timestamp_cmp": i8i8, "timetz_cmp": timeTZ,
	"date_cmp_timestamp": dateTimestamp, "timestamp_cmp_date": timestampDate,
	"interval_cmp": interval,
}

// bitString compares bit strings: their length in bits stands before the bits.
func bitString(a, b datum.Datum) int {
	if len(a.Bytes) < 4 || len(b.Bytes) < 4 {
		return gocmp.Compare(len(a.Bytes), len(b.Bytes))
	}
	x, y := a.Bytes[4:], b.Bytes[4:]
	n := min(len(x), len(y))
	if c := bytes.Compare(x[:n], y[:n]); c != 0 {
		return c
	}
	return gocmp.Compare(binary.LittleEndian.Uint32(a.Bytes), binary.LittleEndian.Uint32(b.Bytes))
}

// HashJSONB is the hash of a jsonb value: those of its scalars and keys, rotated
// into each other.
func HashJSONB(v *jsonb.Value) uint32 {
	h := uint32(0)
	if emptyJSON(v) {
		return 0
	}
	hashJSONB(v, true, func(kind uint32) { h ^= kind }, func(s *jsonb.Value) {
		h = bits.RotateLeft32(h, 1) ^ uint32(hashScalar(s, 0))
	})
	return h
}

// HashJSONB64 is HashJSONB with 64 bits and a seed.
func HashJSONB64(v *jsonb.Value, seed uint64) uint64 {
	h := uint64(0)
	if emptyJSON(v) {
		return seed
	}
	hashJSONB(v, true, func(kind uint32) { h ^= uint64(kind)<<32 | uint64(kind) }, func(s *jsonb.Value) {
		lo, hi := bits.RotateLeft32(uint32(h), 1), bits.RotateLeft32(uint32(h>>32), 1)
		h = (uint64(hi)<<32 | uint64(lo)) ^ hashScalar64(s, seed)
	})
	return h
}

func emptyJSON(v *jsonb.Value) bool {
	return (v.Kind == jsonb.Array || v.Kind == jsonb.Object) && len(v.Elems)+len(v.Pairs) == 0
}

// Flags of containers (PostgreSQL: JB_FARRAY, JB_FOBJECT).
const jsonObject, jsonArray = 0x20000000, 0x40000000

// hashJSONB visits containers before what is in them. A scalar alone stands in an
// array.
func hashJSONB(v *jsonb.Value, top bool, container func(kind uint32), scalar func(*jsonb.Value)) {
	switch v.Kind {
	case jsonb.Array:
		container(jsonArray)
		for i := range v.Elems {
			hashJSONB(&v.Elems[i], false, container, scalar)
		}
	case jsonb.Object:
		container(jsonObject)
		for i := range v.Pairs {
			key := jsonb.Text(v.Pairs[i].Key)
			scalar(&key)
			hashJSONB(&v.Pairs[i].Val, false, container, scalar)
		}
	default:
		if top {
			container(jsonArray)
		}
		scalar(v)
	}
}

func hashScalar(v *jsonb.Value, seed uint64) uint64 {
	switch v.Kind {
	case jsonb.Null:
		return seed + 1
	case jsonb.Bool:
		if v.True {
			return 2
		}
		return 4
	case jsonb.Number:
		f, _ := HashByProc("hash_numeric")
		return uint64(f(datum.Bytes(v.Num)))
	}
	f, _ := HashByProc("hashvarlena")
	return uint64(f(datum.Bytes(v.Bytes)))
}

func hashScalar64(v *jsonb.Value, seed uint64) uint64 {
	name, d := "hashvarlenaextended", datum.Bytes(v.Bytes)
	switch v.Kind {
	case jsonb.Null:
		return hashScalar(v, seed)
	case jsonb.Bool:
		if seed == 0 {
			return hashScalar(v, seed)
		}
		name, d = "hashcharextended", datum.Bool(v.True)
	case jsonb.Number:
		name, d = "hash_numeric_extended", datum.Bytes(v.Num)
	}
	f, _ := Hash64ByProc(name)
	return f(d, seed)
}

// jsonB: damaged values are equal to all others.
func jsonB(a, b datum.Datum) int {
	x, err1 := jsonb.Decode(a.Bytes)
	y, err2 := jsonb.Decode(b.Bytes)
	if err1 != nil || err2 != nil {
		return 0
	}
	return jsonb.Compare(&x, &y)
}

func i2i2(a, b datum.Datum) int { return gocmp.Compare(int16(a.Int), int16(b.Int)) }
func i4i4(a, b datum.Datum) int { return gocmp.Compare(int32(a.Int), int32(b.Int)) }
func i8i8(a, b datum.Datum) int { return gocmp.Compare(a.Int, b.Int) }
func i2i4(a, b datum.Datum) int { return gocmp.Compare(int32(int16(a.Int)), int32(b.Int)) }
func i2i8(a, b datum.Datum) int { return gocmp.Compare(int64(int16(a.Int)), b.Int) }
func i4i2(a, b datum.Datum) int { return gocmp.Compare(int32(a.Int), int32(int16(b.Int))) }
func i4i8(a, b datum.Datum) int { return gocmp.Compare(int64(int32(a.Int)), b.Int) }
func i8i2(a, b datum.Datum) int { return gocmp.Compare(a.Int, int64(int16(b.Int))) }
func i8i4(a, b datum.Datum) int { return gocmp.Compare(a.Int, int64(int32(b.Int))) }
func u4(a, b datum.Datum) int   { return gocmp.Compare(uint32(a.Int), uint32(b.Int)) }
func u8(a, b datum.Datum) int   { return gocmp.Compare(uint8(a.Int), uint8(b.Int)) }

func u8bytes(a, b datum.Datum) int { return gocmp.Compare(uint64(a.Int), uint64(b.Int)) }

func f4f4(a, b datum.Datum) int { return Float(float64(a.Float4()), float64(b.Float4())) }
func f8f8(a, b datum.Datum) int { return Float(a.Float8(), b.Float8()) }
func f4f8(a, b datum.Datum) int { return Float(float64(a.Float4()), b.Float8()) }
func f8f4(a, b datum.Datum) int { return Float(a.Float8(), float64(b.Float4())) }

// Float orders floats as PostgreSQL does: -0 equals 0, NaN equals NaN and is
// greater than everything else.
func Float(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	}
	x, y := math.IsNaN(a), math.IsNaN(b)
	switch {
	case x && y:
		return 0
	case x:
		return 1
	}
	return -1
}

func raw(a, b datum.Datum) int { return bytes.Compare(a.Bytes, b.Bytes) }

func bpchar(a, b datum.Datum) int { return bytes.Compare(TrimSpaces(a.Bytes), TrimSpaces(b.Bytes)) }

// TrimSpaces cuts the trailing blanks, which a bpchar comparison ignores.
func TrimSpaces(b []byte) []byte {
	n := len(b)
	for n > 0 && b[n-1] == ' ' {
		n--
	}
	return b[:n]
}

func tid(a, b datum.Datum) int {
	x, y := tidKey(a.Bytes), tidKey(b.Bytes)
	return gocmp.Compare(x, y)
}

// tidKey joins block (two uint16, high half first) and offset.
func tidKey(b []byte) uint64 {
	if len(b) < 6 {
		return 0
	}
	return uint64(le.Uint16(b))<<32 | uint64(le.Uint16(b[2:]))<<16 | uint64(le.Uint16(b[4:]))
}

// oidVector: shorter first, then element by element.
func oidVector(a, b datum.Datum) int {
	const data = 20
	x, y := a.Bytes, b.Bytes
	n := array.Count(x)
	if c := gocmp.Compare(n, array.Count(y)); c != 0 {
		return c
	}
	if len(x) < data+4*n || len(y) < data+4*n {
		return gocmp.Compare(len(x), len(y))
	}
	for i := range n {
		if c := gocmp.Compare(le.Uint32(x[data+4*i:]), le.Uint32(y[data+4*i:])); c != 0 {
			return c
		}
	}
	return 0
}

const usecsPerDay = 86400 * 1000000

// DateToTimestamp widens a date for comparison: infinities stay, days beyond the
// timestamp range become ±infinity with over = ±1.
func DateToTimestamp(d int32) (ts int64, over int) {
	switch d {
	case math.MinInt32:
		return math.MinInt64, 0
	case math.MaxInt32:
		return math.MaxInt64, 0
	}
	const end = 106751983 // 294277-01-01, counted from 2000-01-01
	if d >= end {
		return math.MaxInt64, 1
	}
	return int64(d) * usecsPerDay, 0
}

func dateTimestamp(a, b datum.Datum) int {
	t, over := DateToTimestamp(int32(a.Int))
	if over > 0 {
		if b.Int == math.MaxInt64 {
			return -1
		}
		return 1
	}
	return gocmp.Compare(t, b.Int)
}

func timestampDate(a, b datum.Datum) int { return -dateTimestamp(b, a) }

// timeTZ: by the instant, then by the zone (seconds west).
func timeTZ(a, b datum.Datum) int {
	if len(a.Bytes) < 12 || len(b.Bytes) < 12 {
		return gocmp.Compare(len(a.Bytes), len(b.Bytes))
	}
	ta, za := int64(le.Uint64(a.Bytes)), int32(le.Uint32(a.Bytes[8:]))
	tb, zb := int64(le.Uint64(b.Bytes)), int32(le.Uint32(b.Bytes[8:]))
	if c := gocmp.Compare(ta+int64(za)*1000000, tb+int64(zb)*1000000); c != 0 {
		return c
	}
	return gocmp.Compare(za, zb)
}

// span is an interval as 128 bits of microseconds, with months of 30 days.
func span(b []byte) (hi int64, lo uint64) {
	if len(b) < 16 {
		return 0, 0
	}
	days := int64(int32(le.Uint32(b[12:])))*30 + int64(int32(le.Uint32(b[8:])))
	h, l := bits.Mul64(uint64(days), usecsPerDay)
	if days < 0 {
		h -= usecsPerDay
	}
	t := int64(le.Uint64(b))
	l, c := bits.Add64(l, uint64(t), 0)
	h, _ = bits.Add64(h, uint64(t>>63), c)
	return int64(h), l
}

func interval(a, b datum.Datum) int {
	ah, al := span(a.Bytes)
	bh, bl := span(b.Bytes)
	if c := gocmp.Compare(ah, bh); c != 0 {
		return c
	}
	return gocmp.Compare(al, bl)
}

// Array is btarraycmp for elements stored as e and ordered by f: elements first
// (NULL is greatest), then their number, the dimensions, the lower bounds.
func Array(e array.Elem, f Func) Func {
	return func(a, b datum.Datum) int {
		x, errx := array.Walk(a.Bytes, e)
		y, erry := array.Walk(b.Bytes, e)
		if errx != nil || erry != nil {
			return bytes.Compare(a.Bytes, b.Bytes)
		}
		for {
			p, okp := x.Next()
			q, okq := y.Next()
			if !okp || !okq {
				break
			}
			switch {
			case p.Null && q.Null:
			case p.Null:
				return 1
			case q.Null:
				return -1
			default:
				if c := f(p, q); c != 0 {
					return c
				}
			}
		}
		if c := gocmp.Compare(x.Len(), y.Len()); c != 0 {
			return c
		}
		return shape(a.Bytes, b.Bytes)
	}
}

func shape(a, b []byte) int {
	x, _ := array.Dims(a)
	y, _ := array.Dims(b)
	if c := gocmp.Compare(len(x), len(y)); c != 0 {
		return c
	}
	for i := range x {
		if c := gocmp.Compare(x[i].Len, y[i].Len); c != 0 {
			return c
		}
	}
	for i := range x {
		if c := gocmp.Compare(x[i].Lower, y[i].Lower); c != 0 {
			return c
		}
	}
	return 0
}

// EqualImage answers btree support function 4, prosrc, for an operator class:
// whether equal datums are always the same bytes, so that a btree may merge
// duplicates into posting lists. A collation counts only for btvarstrequalimage;
// every deterministic one says yes.
func EqualImage(prosrc string, collation oid.OID, deterministic bool) bool {
	switch prosrc {
	case "btequalimage":
		return true
	case "btvarstrequalimage":
		return collation == oid.CCollation || collation == oid.POSIXCollation ||
			collation == oid.DefaultCollation || deterministic
	}
	return false
}
