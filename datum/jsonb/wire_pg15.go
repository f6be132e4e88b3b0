package jsonb

import (
	"encoding/binary"

	"github.com/pgmini/pgmini/pgerr"
)

// On-disk layout of jsonb, PostgreSQL 15. FROZEN.
const (
	countMask   = 0x0fffffff
	flagScalar  = 0x10000000 // an array that stands for its one scalar
	flagObject  = 0x20000000
	flagArray   = 0x40000000
	entryLen    = 0x0fffffff
	entryType   = 0x70000000
	entryString = 0x00000000
	entryNumber = 0x10000000
	entryFalse  = 0x20000000
	entryTrue   = 0x30000000
	entryNull   = 0x40000000
	entryInner  = 0x50000000
	entryHasOff = 0x80000000
	offStride   = 32
	varHeader   = 4 // of the numerics within
)

var le = binary.LittleEndian // constant

func tooBig(what string, limit int) error {
	return pgerr.New(pgerr.ProgramLimitExceeded, "total size of jsonb %s exceeds the maximum of %d bytes", what, limit)
}

// Encode makes the payload of v, which must be normalized.
func Encode(v *Value) ([]byte, error) {
	if v.Kind == Array || v.Kind == Object {
		return appendContainer(nil, v, 0)
	}
	return appendContainer(nil, &Value{Kind: Array, Elems: []Value{*v}}, flagScalar)
}

// pad aligns to four bytes; the payload starts four bytes into the varlena.
func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func appendContainer(b []byte, v *Value, flags uint32) ([]byte, error) {
	b = pad(b)
	n, what := len(v.Elems), "array elements"
	if flags |= flagArray; v.Kind == Object {
		n, what = 2*len(v.Pairs), "object elements"
		flags = flagObject
	}
	count := n
	if v.Kind == Object {
		count /= 2
	}
	if count > countMask {
		return nil, pgerr.New(pgerr.ProgramLimitExceeded, "number of jsonb %s exceeds the maximum allowed (%d)", what, countMask)
	}
	b = le.AppendUint32(b, uint32(count)|flags)
	entries := len(b)
	b = append(b, make([]byte, 4*n)...)
	total := 0
	for i := range n {
		from := len(b)
		var typ uint32
		switch {
		case v.Kind == Array:
			var err error
			if b, typ, err = appendValue(b, &v.Elems[i]); err != nil {
				return nil, err
			}
		case i < len(v.Pairs):
			b = append(b, v.Pairs[i].Key...)
		default:
			var err error
			if b, typ, err = appendValue(b, &v.Pairs[i-len(v.Pairs)].Val); err != nil {
				return nil, err
			}
		}
		size := len(b) - from
		if total += size; total > entryLen {
			return nil, tooBig(what, entryLen)
		}
		if i%offStride == 0 {
			typ |= uint32(total) | entryHasOff
		} else {
			typ |= uint32(size)
		}
		le.PutUint32(b[entries+4*i:], typ)
	}
	return b, nil
}

func appendValue(b []byte, v *Value) ([]byte, uint32, error) {
	switch v.Kind {
	case Null:
		return b, entryNull, nil
	case String:
		return append(b, v.Bytes...), entryString, nil
	case Number:
		b = le.AppendUint32(pad(b), uint32(len(v.Num)+varHeader)<<2)
		return append(b, v.Num...), entryNumber, nil
	case Bool:
		if v.True {
			return b, entryTrue, nil
		}
		return b, entryFalse, nil
	}
	b, err := appendContainer(b, v, 0)
	return b, entryInner, err
}

func damaged() error { return pgerr.New(pgerr.DataCorrupted, "jsonb value is damaged") }

// Decode reads a payload. Strings and numbers alias it.
func Decode(b []byte) (Value, error) {
	v, scalar, err := decodeContainer(b, 0, len(b), 0)
	if err == nil && scalar {
		if len(v.Elems) != 1 {
			return v, damaged()
		}
		return v.Elems[0], nil
	}
	return v, err
}

func alignUp(n int) int { return (n + 3) &^ 3 }

// decodeContainer reads the container in b[at:end]. Offsets count from b's start,
// as alignment does.
func decodeContainer(b []byte, at, end, depth int) (v Value, scalar bool, err error) {
	if at = alignUp(at); at+4 > end || depth > maxDepth {
		return v, false, damaged()
	}
	head := le.Uint32(b[at:])
	count, n := int(head&countMask), int(head&countMask)
	if v.Kind = Array; head&flagObject != 0 {
		v.Kind = Object
		n *= 2
	}
	data := at + 4 + 4*n
	if data > end {
		return v, false, damaged()
	}
	if v.Kind == Object {
		v.Pairs = make([]Pair, count)
	} else {
		v.Elems = make([]Value, count)
	}
	from := data
	for i := range n {
		e := le.Uint32(b[at+4+4*i:])
		to := from + int(e&entryLen)
		if e&entryHasOff != 0 {
			to = data + int(e&entryLen)
		}
		if to < from || to > end {
			return v, false, damaged()
		}
		switch {
		case v.Kind == Object && i < count:
			v.Pairs[i].Key = b[from:to:to]
		case v.Kind == Object:
			err = decodeValue(b, from, to, e&entryType, &v.Pairs[i-count].Val, depth)
		default:
			err = decodeValue(b, from, to, e&entryType, &v.Elems[i], depth)
		}
		if err != nil {
			return v, false, err
		}
		from = to
	}
	return v, head&flagScalar != 0, nil
}

func decodeValue(b []byte, from, to int, typ uint32, v *Value, depth int) error {
	switch typ {
	case entryNull:
	case entryString:
		*v = Value{Kind: String, Bytes: b[from:to:to]}
	case entryTrue, entryFalse:
		*v = Boolean(typ == entryTrue)
	case entryNumber:
		if from = alignUp(from); from+varHeader > to {
			return damaged()
		}
		*v = Numeric(b[from+varHeader : to : to])
	case entryInner:
		in, _, err := decodeContainer(b, from, to, depth+1)
		*v = in
		return err
	default:
		return damaged()
	}
	return nil
}
