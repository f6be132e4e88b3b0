package types

import (
	"bytes"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// A row value's payload is a heap tuple header whose first fields are replaced
// (HeapTupleHeaderData as DatumTupleFields, without the length word): typmod,
// row type, 6 unused bytes, infomask2 (number of columns), infomask, hoff, null
// bitmap, data.
const (
	rowInfomask2 = 14
	rowInfomask  = 16
	rowHoff      = 18
	rowBits      = 19
	rowHeaderLen = 23 // of the tuple, length word included

	infoHasNull   = 0x0001
	infoHasVarlen = 0x0002
)

func badRow() error { return pgerr.New(pgerr.DataCorrupted, "row value is damaged") }

// RowType reads the type and modifier of a row value.
func RowType(b []byte) (oid.OID, int32) {
	if len(b) < rowBits {
		return 0, 0
	}
	return oid.OID(le.Uint32(b[4:])), int32(le.Uint32(b))
}

// FormRow makes a row value of the given column types.
func (e *Env) FormRow(typ oid.OID, typmod int32, cols []Column, vals []datum.Datum) (datum.Datum, error) {
	if r, ok := e.Catalog.(RecordTypes); ok && typ == oid.Record && typmod < 0 {
		typmod = r.RecordType(cols)
	}
	hoff, info := rowHeaderLen, uint16(0)
	for _, v := range vals {
		if v.Null {
			info = infoHasNull
		}
	}
	if info != 0 {
		hoff += (len(vals) + 7) / 8
	}
	hoff = (hoff + 7) &^ 7
	b := make([]byte, hoff-4, hoff+16*len(vals))
	for i, v := range vals {
		ti, err := e.mustType(cols[i].Type)
		if err != nil {
			return datum.Null(), err
		}
		if ti.Len < 0 {
			info |= infoHasVarlen
		}
		if v.Null {
			continue
		}
		if info&infoHasNull != 0 {
			b[rowBits+i/8] |= 1 << (i % 8)
		}
		b = appendColumn(b, v, &ti)
	}
	le.PutUint32(b, uint32(typmod))
	le.PutUint32(b[4:], uint32(typ))
	le.PutUint16(b[8:], 0xffff)
	le.PutUint16(b[10:], 0xffff)
	le.PutUint16(b[rowInfomask2:], uint16(len(vals)))
	le.PutUint16(b[rowInfomask:], info)
	b[rowHoff] = byte(hoff)
	return datum.Bytes(b), nil
}

func appendColumn(b []byte, v datum.Datum, ti *TypeInfo) []byte {
	const shortMax = 0x7f
	if ti.Len == -1 && ti.Storage != 'p' && len(v.Bytes)+1 <= shortMax {
		return append(append(b, byte(len(v.Bytes)+1)<<1|1), v.Bytes...)
	}
	w := map[byte]int{'c': 1, 's': 2, 'i': 4, 'd': 8}[ti.Align]
	for (len(b)+4)%w != 0 {
		b = append(b, 0)
	}
	switch {
	case ti.ByVal:
		var x [8]byte
		le.PutUint64(x[:], uint64(v.Int))
		return append(b, x[:ti.Len]...)
	case ti.Len > 0:
		end := len(b) + int(ti.Len)
		b = append(b, v.Bytes[:min(len(v.Bytes), int(ti.Len))]...)
		for len(b) < end {
			b = append(b, 0)
		}
		return b
	case ti.Len == -1:
		return append(le.AppendUint32(b, uint32(len(v.Bytes)+4)<<2), v.Bytes...)
	}
	return append(append(b, v.Bytes...), 0)
}

// DeformRow takes a row value apart. cols come from RowColumns; values of
// columns added to the type later are NULL.
func (e *Env) DeformRow(b []byte, cols []Column) ([]datum.Datum, error) {
	if len(b) < rowBits {
		return nil, badRow()
	}
	n := int(le.Uint16(b[rowInfomask2:]) & 0x7ff)
	hasNull := le.Uint16(b[rowInfomask:])&infoHasNull != 0
	at := int(b[rowHoff]) - 4
	if hasNull && len(b) < rowBits+(n+7)/8 {
		return nil, badRow()
	}
	out := make([]datum.Datum, len(cols))
	for i, c := range cols {
		if i >= n || hasNull && b[rowBits+i/8]&(1<<(i%8)) == 0 {
			out[i] = datum.Null()
			continue
		}
		ti, err := e.mustType(c.Type)
		if err != nil {
			return nil, err
		}
		d, next, ok := array.Load(b, at, e.baseOf(c.Type), ti.ElemStorage())
		if !ok {
			return nil, badRow()
		}
		out[i], at = d, next
	}
	return out, nil
}

// baseOf is the type under a domain.
func (e *Env) baseOf(t oid.OID) oid.OID {
	for range 32 {
		ti, ok := e.Type(t)
		if !ok || ti.Type != 'd' {
			break
		}
		t = ti.Base
	}
	return t
}

// RowColumns lists the columns of a row value.
func (e *Env) RowColumns(b []byte) ([]Column, error) {
	typ, typmod := RowType(b)
	if e.Catalog != nil {
		if cols, ok := e.Catalog.RowType(typ, typmod); ok {
			return cols, nil
		}
	}
	return nil, pgerr.New(pgerr.WrongObjectType, "record type has not been registered")
}

func recordOut(e *Env, dst []byte, d datum.Datum) ([]byte, error) {
	cols, err := e.RowColumns(d.Bytes)
	if err != nil {
		return dst, err
	}
	vals, err := e.DeformRow(d.Bytes, cols)
	if err != nil {
		return dst, err
	}
	dst = append(dst, '(')
	first := true
	for i, c := range cols {
		if c.Dropped {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if vals[i].Null {
			continue
		}
		start := len(dst)
		if dst, err = e.Output(dst, c.Type, vals[i]); err != nil {
			return dst, err
		}
		dst = quoteField(dst, start)
	}
	return append(dst, ')'), nil
}

func quoteField(dst []byte, start int) []byte {
	s := dst[start:]
	need := len(s) == 0
	for _, c := range s {
		if c == '"' || c == '\\' || c == '(' || c == ')' || c == ',' || isSpace(c) {
			need = true
		}
	}
	if !need {
		return dst
	}
	t := bytes.Clone(s)
	dst = append(dst[:start], '"')
	for _, c := range t {
		if c == '"' || c == '\\' {
			dst = append(dst, c)
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

func recordIn(e *Env, s []byte, typ oid.OID, typmod int32) (datum.Datum, error) {
	if typ == oid.Record && typmod < 0 {
		return datum.Null(), pgerr.New(pgerr.FeatureNotSupported, "input of anonymous composite types is not implemented")
	}
	var cols []Column
	ok := false
	if e.Catalog != nil {
		cols, ok = e.Catalog.RowType(typ, typmod)
	}
	if !ok {
		return datum.Null(), pgerr.New(pgerr.WrongObjectType, "type %s is not composite", e.FormatType(typ, -1))
	}
	fields, err := splitRow(s)
	if err != nil {
		return datum.Null(), err
	}
	vals := make([]datum.Datum, len(cols))
	k := 0
	for i, c := range cols {
		vals[i] = datum.Null()
		if c.Dropped {
			continue
		}
		if k >= len(fields) {
			return datum.Null(), badRecord(s).WithDetail("Too few columns.")
		}
		if f := fields[k]; f != nil {
			if vals[i], err = e.Input(c.Type, f, c.TypMod); err != nil {
				return datum.Null(), err
			}
		}
		k++
	}
	if k < len(fields) && !(k == 0 && len(fields) == 1 && fields[0] == nil) {
		return datum.Null(), badRecord(s).WithDetail("Too many columns.")
	}
	return e.FormRow(typ, typmod, cols, vals)
}

func badRecord(s []byte) *pgerr.Error {
	return pgerr.New(pgerr.InvalidTextRepresentation, "malformed record literal: \"%s\"", s)
}

// splitRow cuts (a,"b c",) into its fields; nil is NULL.
func splitRow(s []byte) ([][]byte, error) {
	i := 0
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	if i >= len(s) || s[i] != '(' {
		return nil, badRecord(s).WithDetail("Missing left parenthesis.")
	}
	i++
	var out [][]byte
	for {
		var f []byte
		quoted := false
		for {
			if i >= len(s) {
				return nil, badRecord(s).WithDetail("Unexpected end of input.")
			}
			c := s[i]
			if !quoted && (c == ',' || c == ')') {
				break
			}
			i++
			switch {
			case c == '\\':
				if i >= len(s) {
					return nil, badRecord(s).WithDetail("Unexpected end of input.")
				}
				f = append(f, s[i])
				i++
			case c == '"' && !quoted:
				quoted = true
				if f == nil {
					f = []byte{}
				}
			case c == '"' && i < len(s) && s[i] == '"':
				f = append(f, '"')
				i++
			case c == '"':
				quoted = false
			default:
				f = append(f, c)
			}
		}
		out = append(out, f)
		i++
		if s[i-1] == ')' {
			break
		}
	}
	if len(trimSpace(s[i:])) > 0 {
		return nil, badRecord(s).WithDetail("Junk after right parenthesis.")
	}
	return out, nil
}

func recordSend(e *Env, dst []byte, d datum.Datum) ([]byte, error) {
	cols, err := e.RowColumns(d.Bytes)
	if err != nil {
		return dst, err
	}
	vals, err := e.DeformRow(d.Bytes, cols)
	if err != nil {
		return dst, err
	}
	at, n := len(dst), uint32(0)
	dst = append(dst, 0, 0, 0, 0)
	for i, c := range cols {
		if c.Dropped {
			continue
		}
		n++
		f, err := e.SendFunc(c.Type)
		if err != nil {
			return dst, err
		}
		dst = be.AppendUint32(dst, uint32(c.Type))
		if dst, err = appendSized(e, dst, vals[i], f); err != nil {
			return dst, err
		}
	}
	be.PutUint32(dst[at:], n)
	return dst, nil
}

func recordRecv(e *Env, b []byte, typ oid.OID, typmod int32) (datum.Datum, error) {
	if typ == oid.Record && typmod < 0 {
		return datum.Null(), pgerr.New(pgerr.FeatureNotSupported, "input of anonymous composite types is not implemented")
	}
	var cols []Column
	if e.Catalog != nil {
		cols, _ = e.Catalog.RowType(typ, typmod)
	}
	if len(b) < 4 {
		return datum.Null(), shortMessage()
	}
	n, live := int(int32(be.Uint32(b))), 0
	b = b[4:]
	for _, c := range cols {
		if !c.Dropped {
			live++
		}
	}
	if n != live {
		return datum.Null(), pgerr.New(pgerr.DatatypeMismatch, "wrong number of columns: %d, expected %d", n, live)
	}
	vals := make([]datum.Datum, len(cols))
	for i, c := range cols {
		vals[i] = datum.Null()
		if c.Dropped {
			continue
		}
		if len(b) < 4 {
			return datum.Null(), shortMessage()
		}
		if got := oid.OID(be.Uint32(b)); got != c.Type {
			return datum.Null(), pgerr.New(pgerr.DatatypeMismatch, "binary data has type %d (%s) instead of expected %d (%s) in record column %d",
				got, e.FormatType(got, -1), c.Type, e.FormatType(c.Type, -1), i+1)
		}
		ti, err := e.mustType(c.Type)
		if err != nil {
			return datum.Null(), err
		}
		f, ok := Recv(ti.Recv)
		if !ok {
			return datum.Null(), pgerr.NotYet("binary input of type %s", ti.Name)
		}
		if vals[i], b, err = takeSized(e, b[4:], f, ti.ioParam(), c.TypMod); err != nil {
			return datum.Null(), err
		}
	}
	if err := exact(b, 0); err != nil {
		return datum.Null(), err
	}
	return e.FormRow(typ, typmod, cols, vals)
}

// RecordTypes is a Catalog that keeps the shapes of anonymous rows, so that a
// row of type record can be taken apart later.
type RecordTypes interface {
	// RecordType is the type modifier that stands for these columns.
	RecordType(cols []Column) int32
}
