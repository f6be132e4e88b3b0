package cmp

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/datum/numeric"
)

var le = binary.LittleEndian // constant

// HashFunc is a hash support function 1.
type HashFunc = func(a datum.Datum) uint32

// HashFunc64 is a hash support function 2: 64 bits, with a seed. With seed 0 its
// low half is the 32-bit hash.
type HashFunc64 = func(a datum.Datum, seed uint64) uint64

// HashByProc returns the hash function that prosrc names. hash_array is
// HashArray; records are not here.
func HashByProc(prosrc string) (HashFunc, bool) {
	f, ok := hashProcs[prosrc]
	if !ok {
		return nil, false
	}
	return func(a datum.Datum) uint32 { return uint32(f(a, 0)) }, true
}

// Hash64ByProc returns the extended hash function that prosrc names.
func Hash64ByProc(prosrc string) (HashFunc64, bool) {
	base, ok := extended[prosrc]
	if !ok {
		return nil, false
	}
	return hashProcs[base], true
}

// constant
var hashProcs = map[string]HashFunc64{
	"hashchar":       func(a datum.Datum, s uint64) uint64 { return Uint32(uint32(int8(a.Int)), s) },
	"hashint2":       func(a datum.Datum, s uint64) uint64 { return Uint32(uint32(int16(a.Int)), s) },
	"hashint4":       hash4,
	"hashoid":        hash4,
	"hashenum":       hash4,
	"hashint8":       hash8,
	"time_hash":      hash8,
	"timestamp_hash": hash8,
	"pg_lsn_hash":    hash8,
	"hashfloat4":     func(a datum.Datum, s uint64) uint64 { return hashFloat(float64(a.Float4()), s) },
	"hashfloat8":     func(a datum.Datum, s uint64) uint64 { return hashFloat(a.Float8(), s) },
	"hashtext":       hashRaw,
	"hashname":       hashRaw,
	"hashvarlena":    hashRaw,
	"hashtid":        hashRaw,
	"uuid_hash":      hashRaw,
	"hashbpchar":     func(a datum.Datum, s uint64) uint64 { return Bytes(TrimSpaces(a.Bytes), s) },
	"hashoidvector":  hashOIDVector,
	"hash_numeric":   hashNumeric,
	"interval_hash":  hashInterval,
	"timetz_hash":    hashTimeTZ,
	"hash_aclitem":   hashACLItem,
}

// constant
var extended = map[string]string{
	"hashcharextended": "hashchar", "hashint2extended": "hashint2", "hashint4extended": "hashint4",
	"hashoidextended": "hashoid", "hashenumextended": "hashenum", "hashint8extended": "hashint8",
	"time_hash_extended": "time_hash", "timestamp_hash_extended": "timestamp_hash",
	"pg_lsn_hash_extended": "pg_lsn_hash", "hashfloat4extended": "hashfloat4",
	"hashfloat8extended": "hashfloat8", "hashtextextended": "hashtext", "hashnameextended": "hashname",
	"hashvarlenaextended": "hashvarlena", "hashtidextended": "hashtid", "uuid_hash_extended": "uuid_hash",
	"hashbpcharextended": "hashbpchar", "hashoidvectorextended": "hashoidvector",
	"hash_numeric_extended": "hash_numeric", "interval_hash_extended": "interval_hash",
	"timetz_hash_extended": "timetz_hash", "hash_aclitem_extended": "hash_aclitem",
}

func hash4(a datum.Datum, s uint64) uint64   { return Uint32(uint32(a.Int), s) }
func hash8(a datum.Datum, s uint64) uint64   { return hashInt64(a.Int, s) }
func hashRaw(a datum.Datum, s uint64) uint64 { return Bytes(a.Bytes, s) }

// hashInt64 folds the halves so that an int8 hashes like the int4 of its value.
func hashInt64(v int64, s uint64) uint64 {
	lo, hi := uint32(v), uint32(v>>32)
	if v >= 0 {
		lo ^= hi
	} else {
		lo ^= ^hi
	}
	return Uint32(lo, s)
}

func hashFloat(f float64, s uint64) uint64 {
	if f == 0 { // also -0
		return s
	}
	if math.IsNaN(f) {
		f = math.Float64frombits(0x7ff8000000000000)
	}
	var b [8]byte
	le.PutUint64(b[:], math.Float64bits(f))
	return Bytes(b[:], s)
}

func hashOIDVector(a datum.Datum, s uint64) uint64 {
	return Bytes(a.Bytes[min(20, len(a.Bytes)):], s)
}

func hashNumeric(a datum.Datum, s uint64) uint64 {
	d, w, ok := numeric.Significant(a.Bytes)
	switch {
	case !ok:
		return s
	case len(d) == 0:
		return s - 1
	}
	return Bytes(d, s) ^ uint64(w)
}

func hashInterval(a datum.Datum, s uint64) uint64 {
	_, lo := span(a.Bytes)
	return hashInt64(int64(lo), s)
}

func hashTimeTZ(a datum.Datum, s uint64) uint64 {
	if len(a.Bytes) < 12 {
		return s
	}
	return hashInt64(int64(le.Uint64(a.Bytes)), s) ^ Uint32(le.Uint32(a.Bytes[8:]), s)
}

func hashACLItem(a datum.Datum, s uint64) uint64 {
	if len(a.Bytes) < 12 {
		return s
	}
	sum := le.Uint32(a.Bytes[8:]) + le.Uint32(a.Bytes) + le.Uint32(a.Bytes[4:])
	if s == 0 {
		return uint64(sum)
	}
	return Uint32(sum, s)
}

// HashArray is hash_array for elements stored as e and hashed by f.
func HashArray(e array.Elem, f HashFunc) HashFunc {
	return func(a datum.Datum) uint32 {
		h := uint32(1)
		it, err := array.Walk(a.Bytes, e)
		if err != nil {
			return 0
		}
		for {
			d, ok := it.Next()
			if !ok {
				return h
			}
			var x uint32
			if !d.Null {
				x = f(d)
			}
			h = h*31 + x
		}
	}
}

// HashArray64 is hash_array_extended.
func HashArray64(e array.Elem, f HashFunc64) HashFunc64 {
	return func(a datum.Datum, s uint64) uint64 {
		h := uint64(1)
		it, err := array.Walk(a.Bytes, e)
		if err != nil {
			return s
		}
		for {
			d, ok := it.Next()
			if !ok {
				return h
			}
			var x uint64
			if !d.Null {
				x = f(d, s)
			}
			h = h*31 + x
		}
	}
}

// start is the initial state of Bob Jenkins's lookup3 as PostgreSQL sets it.
const start = 0x9e3779b9 + 3923095

// Bytes hashes b with a seed (PostgreSQL: hash_bytes_extended; with seed 0 the
// low 32 bits are hash_bytes).
func Bytes(k []byte, seed uint64) uint64 {
	a := uint32(start) + uint32(len(k))
	b, c := a, a
	if seed != 0 {
		a += uint32(seed >> 32)
		b += uint32(seed)
		a, b, c = mix(a, b, c)
	}
	for len(k) >= 12 {
		a += le.Uint32(k)
		b += le.Uint32(k[4:])
		c += le.Uint32(k[8:])
		a, b, c = mix(a, b, c)
		k = k[12:]
	}
	// The lowest byte of c stays free in the last block: c's bytes start at bit 8.
	var t [12]byte
	copy(t[:8], k)
	if len(k) > 8 {
		copy(t[9:], k[8:])
	}
	a += le.Uint32(t[:])
	b += le.Uint32(t[4:])
	c += le.Uint32(t[8:])
	_, b, c = final(a, b, c)
	return uint64(b)<<32 | uint64(c)
}

// Uint32 hashes k with a seed (PostgreSQL: hash_bytes_uint32_extended).
func Uint32(k uint32, seed uint64) uint64 {
	a := uint32(start + 4)
	b, c := a, a
	if seed != 0 {
		a += uint32(seed >> 32)
		b += uint32(seed)
		a, b, c = mix(a, b, c)
	}
	a += k
	_, b, c = final(a, b, c)
	return uint64(b)<<32 | uint64(c)
}

func mix(a, b, c uint32) (uint32, uint32, uint32) {
	a = (a - c) ^ bits.RotateLeft32(c, 4)
	c += b
	b = (b - a) ^ bits.RotateLeft32(a, 6)
	a += c
	c = (c - b) ^ bits.RotateLeft32(b, 8)
	b += a
	a = (a - c) ^ bits.RotateLeft32(c, 16)
	c += b
	b = (b - a) ^ bits.RotateLeft32(a, 19)
	a += c
	c = (c - b) ^ bits.RotateLeft32(b, 4)
	b += a
	return a, b, c
}

func final(a, b, c uint32) (uint32, uint32, uint32) {
	c = (c ^ b) - bits.RotateLeft32(b, 14)
	a = (a ^ c) - bits.RotateLeft32(c, 11)
	b = (b ^ a) - bits.RotateLeft32(a, 25)
	c = (c ^ b) - bits.RotateLeft32(b, 16)
	a = (a ^ c) - bits.RotateLeft32(c, 4)
	b = (b ^ a) - bits.RotateLeft32(a, 14)
	c = (c ^ b) - bits.RotateLeft32(b, 24)
	return a, b, c
}
