package exec

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/datum/cmp"
	"github.com/pgmini/pgmini/datum/jsonb"
	"github.com/pgmini/pgmini/oid"
)

// keyEncoder appends a form of a non-NULL value that is the same bytes exactly
// for values that the type's default equality calls equal, and that no other
// value's form is a prefix of. Hash joins, hash aggregates and DISTINCT compare
// and hash these bytes.
type keyEncoder func(dst []byte, d datum.Datum) []byte

// encoderFor returns the encoder of type t; ok is false for a type that has none
// here and must be sorted instead.
func (x *Execution) encoderFor(t oid.OID) (keyEncoder, bool) {
	info, ok := x.Cat.Type(t)
	if !ok {
		return nil, false
	}
	if info.Base != 0 {
		return x.encoderFor(info.Base)
	}
	switch t {
	case oid.Float4:
		return func(dst []byte, d datum.Datum) []byte { return encodeFloat(dst, float64(d.Float4())) }, true
	case oid.Float8:
		return func(dst []byte, d datum.Datum) []byte { return encodeFloat(dst, d.Float8()) }, true
	case oid.Numeric:
		return encodeNumeric, true
	case oid.Bpchar:
		return func(dst []byte, d datum.Datum) []byte { return encodeBytes(dst, cmp.TrimSpaces(d.Bytes)) }, true
	case oid.Interval:
		return encodeInterval, true
	case oid.TimeTZ:
		return func(dst []byte, d datum.Datum) []byte { return encodeBytes(dst, d.Bytes) }, true
	case oid.Record:
		return x.recordKey, true
	case oid.JSONB:
		return encodeJSONB, true
	case oid.JSON, oid.XML, oid.Point, oid.Money:
		return nil, false
	}
	switch {
	case info.ByVal:
		return func(dst []byte, d datum.Datum) []byte { return binary.LittleEndian.AppendUint64(dst, uint64(d.Int)) }, true
	case info.Elem != 0 && info.Len == -1:
		return x.arrayEncoder(info.Elem)
	case info.Type == 'c':
		return x.recordKey, true
	case info.Type == 'b' || info.Type == 'e':
		return func(dst []byte, d datum.Datum) []byte { return encodeBytes(dst, d.Bytes) }, true
	}
	return nil, false
}

func encodeBytes(dst, b []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(b)))
	return append(dst, b...)
}

func encodeFloat(dst []byte, f float64) []byte {
	switch {
	case f == 0:
		f = 0 // -0 equals 0
	case math.IsNaN(f):
		f = math.NaN()
	}
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
}

// encodeInterval adds an interval up as comparison does: a month has 30 days, a
// day 24 hours. The sum needs 128 bits: days and the microseconds left over.
func encodeInterval(dst []byte, d datum.Datum) []byte {
	if len(d.Bytes) < 16 {
		return encodeBytes(dst, d.Bytes)
	}
	const day = 86400 * 1000000
	us := int64(binary.LittleEndian.Uint64(d.Bytes))
	days := int64(int32(binary.LittleEndian.Uint32(d.Bytes[8:]))) + 30*int64(int32(binary.LittleEndian.Uint32(d.Bytes[12:])))
	days += us / day
	if us %= day; us < 0 {
		us += day
		days--
	}
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(dst, uint64(days)), uint64(us))
}

// encodeNumeric leaves out what does not change a numeric's value: the display
// scale and zero digits at both ends.
func encodeNumeric(dst []byte, d datum.Datum) []byte {
	b := d.Bytes
	if len(b) < 2 {
		return encodeBytes(dst, b)
	}
	head := binary.LittleEndian.Uint16(b)
	var weight int
	var sign byte
	var digits []byte
	switch {
	case head&0xC000 == 0xC000: // NaN, infinities
		return append(dst, byte(head>>8)&0xF0, 0)
	case head&0x8000 != 0: // short form: sign, scale, 7 bits of weight
		sign = byte(head >> 13 & 1)
		if weight = int(head & 0x3F); head&0x40 != 0 {
			weight -= 64
		}
		digits = b[2:]
	default:
		sign = byte(head >> 14 & 1)
		if len(b) < 4 {
			return encodeBytes(dst, b)
		}
		weight = int(int16(binary.LittleEndian.Uint16(b[2:])))
		digits = b[4:]
	}
	for len(digits) >= 2 && digits[0] == 0 && digits[1] == 0 {
		digits = digits[2:]
		weight--
	}
	for len(digits) >= 2 && digits[len(digits)-1] == 0 && digits[len(digits)-2] == 0 {
		digits = digits[:len(digits)-2]
	}
	if len(digits) == 0 {
		sign, weight = 0, 0
	}
	dst = append(dst, sign, byte(weight), byte(weight>>8))
	return encodeBytes(dst, digits)
}

// encodeJSONB makes numbers equal that differ in scale only.
func encodeJSONB(dst []byte, d datum.Datum) []byte {
	v, err := jsonb.Decode(d.Bytes)
	if err != nil {
		return encodeBytes(dst, d.Bytes)
	}
	return appendJSONKey(dst, &v)
}

func appendJSONKey(dst []byte, v *jsonb.Value) []byte {
	dst = append(dst, byte(v.Kind))
	switch v.Kind {
	case jsonb.String:
		return encodeBytes(dst, v.Bytes)
	case jsonb.Number:
		return encodeNumeric(dst, datum.Bytes(v.Num))
	case jsonb.Bool:
		if v.True {
			return append(dst, 1)
		}
		return append(dst, 0)
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(v.Elems)+len(v.Pairs)))
	for i := range v.Elems {
		dst = appendJSONKey(dst, &v.Elems[i])
	}
	for i := range v.Pairs {
		dst = appendJSONKey(encodeBytes(dst, v.Pairs[i].Key), &v.Pairs[i].Val)
	}
	return dst
}

// recordKey encodes a row column by column, by the types that the row itself
// names.
func (x *Execution) recordKey(dst []byte, d datum.Datum) []byte {
	row, desc, err := x.deformRow(d)
	if err != nil {
		return encodeBytes(dst, d.Bytes)
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(row)))
	for i, v := range row {
		if v.Null {
			dst = append(dst, 1)
			continue
		}
		if enc, ok := x.encoderFor(desc.Attrs[i].Type); ok {
			dst = enc(append(dst, 0), v)
		} else {
			dst = encodeBytes(append(dst, 0), v.Bytes)
		}
	}
	return dst
}

// arrayEncoder encodes dimensions, then elements with a mark for NULL.
func (x *Execution) arrayEncoder(elemType oid.OID) (keyEncoder, bool) {
	enc, ok := x.encoderFor(elemType)
	if !ok {
		return nil, false
	}
	elem, err := x.elem(elemType)
	if err != nil {
		return nil, false
	}
	return func(dst []byte, d datum.Datum) []byte {
		a, err := array.Parse(slices.Clip(d.Bytes), elem)
		if err != nil {
			return encodeBytes(dst, d.Bytes)
		}
		dst = append(dst, byte(len(a.Dims)))
		for _, dim := range a.Dims {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(dim.Len))
			dst = binary.LittleEndian.AppendUint32(dst, uint32(dim.Lower))
		}
		for _, v := range a.Elems {
			if v.Null {
				dst = append(dst, 1)
				continue
			}
			dst = enc(append(dst, 0), v)
		}
		return dst
	}, true
}
