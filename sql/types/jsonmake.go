package types

import (
	"bytes"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/datum/jsonb"
	"github.com/pgmini/pgmini/oid"
)

// jsonClass says how values of a type become JSON.
type jsonClass uint8

const (
	jsonText jsonClass = iota // quoted text
	jsonBool
	jsonNumber
	jsonMoment // dates and timestamps, by ISO 8601
	jsonJSON
	jsonJSONB
	jsonArray
	jsonRow
)

func (e *Env) jsonClass(t oid.OID) (jsonClass, TypeInfo) {
	ti, ok := e.Type(t)
	for ok && ti.Type == 'd' {
		ti, ok = e.Type(ti.Base)
	}
	switch ti.OID {
	case oid.Bool:
		return jsonBool, ti
	case oid.Int2, oid.Int4, oid.Int8, oid.Float4, oid.Float8, oid.Numeric:
		return jsonNumber, ti
	case oid.Date, oid.Timestamp, oid.TimestampTZ:
		return jsonMoment, ti
	case oid.JSON:
		return jsonJSON, ti
	case oid.JSONB:
		return jsonJSONB, ti
	}
	switch {
	case ti.IsArray():
		return jsonArray, ti
	case ti.Type == 'c' || ti.OID == oid.Record:
		return jsonRow, ti
	}
	return jsonText, ti
}

// JSONIsNested reports types whose values json_agg puts on lines of their own.
func (e *Env) JSONIsNested(t oid.OID) bool {
	k, _ := e.jsonClass(t)
	return k == jsonArray || k == jsonRow
}

// JSONKeyOK reports types that can be an object's key.
func (e *Env) JSONKeyOK(t oid.OID) bool {
	k, _ := e.jsonClass(t)
	return k != jsonArray && k != jsonRow && k != jsonJSON && k != jsonJSONB
}

// momentText is a date or timestamp by ISO 8601, whatever DateStyle says.
func (e *Env) momentText(ti *TypeInfo, d datum.Datum) ([]byte, error) {
	iso := *e
	iso.DateStyle = StyleISO
	b, err := iso.Output(nil, ti.OID, d)
	if err != nil || ti.OID == oid.Date {
		return b, err
	}
	if i := bytes.IndexByte(b, ' '); i > 0 && bytes.IndexByte(b, ':') > 0 {
		b[i] = 'T'
	}
	if ti.OID == oid.TimestampTZ {
		bare, bc := bytes.CutSuffix(b, []byte(" BC"))
		if n := len(bare); n > 3 && (bare[n-3] == '+' || bare[n-3] == '-') && bytes.IndexByte(bare, ':') > 0 {
			b = append(bytes.Clone(bare), ":00"...)
			if bc {
				b = append(b, " BC"...)
			}
		}
	}
	return b, nil
}

// scalarText is the text of a scalar, and whether JSON quotes it.
func (e *Env) scalarText(k jsonClass, ti *TypeInfo, d datum.Datum) (s []byte, quoted bool, err error) {
	switch k {
	case jsonBool:
		if d.Bool() {
			return []byte("true"), false, nil
		}
		return []byte("false"), false, nil
	case jsonMoment:
		s, err = e.momentText(ti, d)
		return s, true, err
	}
	s, err = e.Output(nil, ti.OID, d)
	return s, k != jsonNumber || len(s) == 0 || !isDigit(s[len(s)-1]), err
}

// AppendJSON appends a value as json. pretty puts the elements of the outermost
// array or row on lines of their own.
func (e *Env) AppendJSON(dst []byte, t oid.OID, d datum.Datum, pretty bool) ([]byte, error) {
	if d.Null {
		return append(dst, "null"...), nil
	}
	k, ti := e.jsonClass(t)
	switch k {
	case jsonJSON:
		return append(dst, d.Bytes...), nil
	case jsonJSONB:
		return jsonbOut(e, dst, d)
	case jsonArray:
		st, err := e.ElemInfo(ti.Elem)
		if err != nil {
			return dst, err
		}
		a, err := array.Parse(d.Bytes, st)
		if err != nil {
			return dst, err
		}
		return e.appendArrayJSON(dst, a, 0, pretty)
	case jsonRow:
		return e.appendRowJSON(dst, d, pretty)
	}
	s, quoted, err := e.scalarText(k, &ti, d)
	if quoted {
		return jsonb.AppendQuoted(dst, s), err
	}
	return append(dst, s...), err
}

func separate(dst []byte, i int, pretty bool) []byte {
	if i > 0 {
		dst = append(dst, ',')
		if pretty {
			dst = append(dst, "\n "...)
		}
	}
	return dst
}

// appendArrayJSON appends dimension dim of what is left of a.
func (e *Env) appendArrayJSON(dst []byte, a array.Array, dim int, pretty bool) ([]byte, error) {
	dst = append(dst, '[')
	if len(a.Dims) > 0 {
		n := int(a.Dims[dim].Len)
		part := len(a.Elems) / max(n, 1)
		for i := range n {
			dst = separate(dst, i, pretty)
			var err error
			if dim == len(a.Dims)-1 {
				dst, err = e.AppendJSON(dst, a.Type, a.Elems[i], false)
			} else {
				dst, err = e.appendArrayJSON(dst, array.Array{Type: a.Type, Dims: a.Dims, Elems: a.Elems[i*part : (i+1)*part]}, dim+1, false)
			}
			if err != nil {
				return dst, err
			}
		}
	}
	return append(dst, ']'), nil
}

func (e *Env) appendRowJSON(dst []byte, d datum.Datum, pretty bool) ([]byte, error) {
	cols, err := e.RowColumns(d.Bytes)
	if err != nil {
		return dst, err
	}
	vals, err := e.DeformRow(d.Bytes, cols)
	if err != nil {
		return dst, err
	}
	dst = append(dst, '{')
	n := 0
	for i, c := range cols {
		if c.Dropped {
			continue
		}
		dst = append(jsonb.AppendQuoted(separate(dst, n, pretty), []byte(c.Name)), ':')
		n++
		if dst, err = e.AppendJSON(dst, c.Type, vals[i], false); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// ToJSONB is a value as jsonb.
func (e *Env) ToJSONB(t oid.OID, d datum.Datum) (jsonb.Value, error) {
	if d.Null {
		return jsonb.Value{}, nil
	}
	k, ti := e.jsonClass(t)
	switch k {
	case jsonBool:
		return jsonb.Boolean(d.Bool()), nil
	case jsonJSONB:
		return jsonb.Decode(d.Bytes)
	case jsonJSON, jsonArray, jsonRow:
		b, err := e.AppendJSON(nil, t, d, false)
		if err != nil {
			return jsonb.Value{}, err
		}
		return jsonb.Parse(b, true)
	}
	s, quoted, err := e.scalarText(k, &ti, d)
	if quoted {
		return jsonb.Text(s), err
	}
	return jsonb.Value{Kind: jsonb.Number, Bytes: s}, err
}
