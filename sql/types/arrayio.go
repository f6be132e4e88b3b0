package types

import (
	"bytes"
	"strconv"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// Elem is the storage of a type as an array element.
func (ti *TypeInfo) ElemStorage() array.Elem {
	return array.Elem{Len: ti.Len, ByVal: ti.ByVal, Align: ti.Align}
}

// ElemInfo is the storage of elements of type t.
func (e *Env) ElemInfo(t oid.OID) (array.Elem, error) {
	ti, err := e.mustType(t)
	return ti.ElemStorage(), err
}

func badArray(s []byte) *pgerr.Error {
	return pgerr.New(pgerr.InvalidTextRepresentation, "malformed array literal: \"%s\"", s)
}

// arrayParser reads {a,b,{…}} texts.
type arrayParser struct {
	e      *Env
	src    []byte
	in     []byte
	pos    int
	elem   TypeInfo
	inFn   InFunc
	typmod int32
	out    []datum.Datum
	dims   []int32 // length of each level, -1 until its first group closed
	buf    []byte
}

func arrayIn(e *Env, s []byte, elem oid.OID, typmod int32) (datum.Datum, error) {
	ti, err := e.mustType(elem)
	if err != nil {
		return datum.Null(), err
	}
	f, ok := In(ti.In)
	if !ok {
		return datum.Null(), pgerr.NotYet("input of type %s", ti.Name)
	}
	p := &arrayParser{e: e, src: s, in: s, elem: ti, inFn: f, typmod: typmod}
	a, err := p.parse()
	if err != nil {
		return datum.Null(), err
	}
	return datum.Bytes(array.Build(a, ti.ElemStorage())), nil
}

func (p *arrayParser) parse() (array.Array, error) {
	a := array.Array{Type: p.elem.OID}
	p.in = trimSpace(p.in)
	bounds, err := p.bounds()
	if err != nil {
		return a, err
	}
	if p.pos >= len(p.in) || p.in[p.pos] != '{' {
		if bounds == nil {
			return a, badArray(p.src).WithDetail("Array value must start with \"{\" or dimension information.")
		}
		return a, badArray(p.src).WithDetail("Array contents must start with \"{\".")
	}
	if err := p.group(0); err != nil {
		return a, err
	}
	p.spaces()
	if p.pos < len(p.in) {
		return a, badArray(p.src).WithDetail("Junk after closing right brace.")
	}
	if len(p.out) == 0 {
		return a, nil
	}
	for _, n := range p.dims {
		a.Dims = append(a.Dims, array.Dim{Len: n, Lower: 1})
	}
	if bounds != nil {
		if len(bounds) != len(a.Dims) {
			return a, badArray(p.src).WithDetail("Specified array dimensions do not match array contents.")
		}
		for i := range bounds {
			if bounds[i].Len != a.Dims[i].Len {
				return a, badArray(p.src).WithDetail("Specified array dimensions do not match array contents.")
			}
		}
		a.Dims = bounds
	}
	a.Elems = p.out
	return a, nil
}

func (p *arrayParser) spaces() {
	for p.pos < len(p.in) && isSpace(p.in[p.pos]) {
		p.pos++
	}
}

// bounds reads [l:u][l:u]… = before the braces.
func (p *arrayParser) bounds() ([]array.Dim, error) {
	var ds []array.Dim
	for p.pos < len(p.in) && p.in[p.pos] == '[' {
		i := bytes.IndexByte(p.in[p.pos:], ']')
		if i < 0 {
			return nil, badArray(p.src).WithDetail("Missing \"%s\" after array dimensions.", "]")
		}
		spec := p.in[p.pos+1 : p.pos+i]
		lo, hi, two := bytes.Cut(spec, []byte{':'})
		l, err := strconv.ParseInt(string(lo), 10, 32)
		if err != nil {
			return nil, badArray(p.src).WithDetail("\"[\" must introduce explicitly-specified array dimensions.")
		}
		u := l
		if two {
			if u, err = strconv.ParseInt(string(hi), 10, 32); err != nil {
				return nil, badArray(p.src).WithDetail("Missing array dimension value.")
			}
		} else {
			l = 1
		}
		if u < l {
			return nil, pgerr.New(pgerr.ArraySubscriptError, "upper bound cannot be less than lower bound")
		}
		if len(ds) == array.MaxDim {
			return nil, tooManyDims(len(ds) + 1)
		}
		if u-l+1 > array.MaxElems {
			return nil, pgerr.New(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)", array.MaxElems)
		}
		ds = append(ds, array.Dim{Len: int32(u - l + 1), Lower: int32(l)})
		p.pos += i + 1
	}
	if ds != nil {
		if p.pos >= len(p.in) || p.in[p.pos] != '=' {
			return nil, badArray(p.src).WithDetail("Missing \"%s\" after array dimensions.", "=")
		}
		p.pos++
		p.spaces()
	}
	return ds, nil
}

func tooManyDims(n int) error {
	return pgerr.New(pgerr.ProgramLimitExceeded, "number of array dimensions (%d) exceeds the maximum allowed (%d)", n, array.MaxDim)
}

// group reads one {…} at the given level.
func (p *arrayParser) group(level int) error {
	if level >= array.MaxDim {
		return tooManyDims(level + 1)
	}
	if len(p.dims) == level {
		if len(p.out) > 0 {
			return badArray(p.src).WithDetail("Multidimensional arrays must have sub-arrays with matching dimensions.")
		}
		p.dims = append(p.dims, -1)
	}
	p.pos++ // {
	n := int32(0)
	for first := true; ; first = false {
		p.spaces()
		if p.pos >= len(p.in) {
			return badArray(p.src).WithDetail("Unexpected end of input.")
		}
		switch c := p.in[p.pos]; {
		case c == '}' && first && level == 0:
		case c == '}' || c == p.elem.Delim:
			return badArray(p.src).WithDetail("Unexpected \"%c\" character.", c)
		case c == '{':
			if err := p.group(level + 1); err != nil {
				return err
			}
			n++
		default:
			if len(p.dims) > level+1 {
				return badArray(p.src).WithDetail("Unexpected array element.")
			}
			if err := p.item(); err != nil {
				return err
			}
			n++
		}
		p.spaces()
		if p.pos >= len(p.in) {
			return badArray(p.src).WithDetail("Unexpected end of input.")
		}
		c := p.in[p.pos]
		p.pos++
		if c == '}' {
			break
		}
		if c != p.elem.Delim {
			return badArray(p.src).WithDetail("Unexpected array element.")
		}
	}
	if p.dims[level] >= 0 && p.dims[level] != n {
		return badArray(p.src).WithDetail("Multidimensional arrays must have sub-arrays with matching dimensions.")
	}
	p.dims[level] = n
	return nil
}

// item reads one element, quoted or not.
func (p *arrayParser) item() error {
	start := len(p.buf)
	quoted, escaped, keep := false, false, start
	for p.pos < len(p.in) {
		c := p.in[p.pos]
		if c == '"' {
			if quoted || len(p.buf) > start {
				return badArray(p.src).WithDetail("Unexpected array element.")
			}
			quoted = true
			p.pos++
			for p.pos < len(p.in) && p.in[p.pos] != '"' {
				if p.in[p.pos] == '\\' {
					p.pos++
				}
				if p.pos < len(p.in) {
					p.buf = append(p.buf, p.in[p.pos])
					p.pos++
				}
			}
			if p.pos >= len(p.in) {
				return badArray(p.src).WithDetail("Unexpected end of input.")
			}
			p.pos++
			keep = len(p.buf)
			p.spaces()
			if p.pos < len(p.in) && p.in[p.pos] != '}' && p.in[p.pos] != p.elem.Delim {
				return badArray(p.src).WithDetail("Unexpected array element.")
			}
			continue
		}
		if c == '}' || c == p.elem.Delim {
			break
		}
		if c == '{' {
			return badArray(p.src).WithDetail("Unexpected \"%c\" character.", c)
		}
		if c == '\\' {
			escaped = true
			p.pos++
			if p.pos >= len(p.in) {
				return badArray(p.src).WithDetail("Unexpected end of input.")
			}
			c = p.in[p.pos]
			p.buf = append(p.buf, c)
			keep = len(p.buf)
		} else {
			p.buf = append(p.buf, c)
			if !isSpace(c) {
				keep = len(p.buf)
			}
		}
		p.pos++
	}
	text := p.buf[start:keep:keep]
	if !quoted && !escaped && lowerASCII(text) == "null" {
		p.out = append(p.out, datum.Null())
		return nil
	}
	d, err := p.inFn(p.e, text, p.elem.ioParam(), p.typmod)
	p.out = append(p.out, d)
	return err
}

func arrayOut(e *Env, dst []byte, d datum.Datum) ([]byte, error) {
	ti, err := e.mustType(array.Type(d.Bytes))
	if err != nil {
		return dst, err
	}
	f, ok := Out(ti.Out)
	if !ok {
		return dst, pgerr.NotYet("output of type %s", ti.Name)
	}
	a, err := array.Parse(d.Bytes, ti.ElemStorage())
	if err != nil {
		return dst, err
	}
	if len(a.Elems) == 0 {
		return append(dst, "{}"...), nil
	}
	for _, dim := range a.Dims {
		if dim.Lower != 1 {
			for _, x := range a.Dims {
				dst = strconv.AppendInt(append(dst, '['), int64(x.Lower), 10)
				dst = append(strconv.AppendInt(append(dst, ':'), int64(x.Upper()), 10), ']')
			}
			dst = append(dst, '=')
			break
		}
	}
	i := 0
	return appendArray(e, dst, &a, 0, &i, ti.Delim, f)
}

func appendArray(e *Env, dst []byte, a *array.Array, level int, i *int, delim byte, f OutFunc) ([]byte, error) {
	dst = append(dst, '{')
	var err error
	for k := range a.Dims[level].Len {
		if k > 0 {
			dst = append(dst, delim)
		}
		if level+1 < len(a.Dims) {
			if dst, err = appendArray(e, dst, a, level+1, i, delim, f); err != nil {
				return dst, err
			}
			continue
		}
		d := a.Elems[*i]
		*i++
		if d.Null {
			dst = append(dst, "NULL"...)
			continue
		}
		start := len(dst)
		if dst, err = f(e, dst, d); err != nil {
			return dst, err
		}
		dst = quoteItem(dst, start, delim)
	}
	return append(dst, '}'), nil
}

// quoteItem quotes dst[start:] if an array literal needs it.
func quoteItem(dst []byte, start int, delim byte) []byte {
	s := dst[start:]
	need := len(s) == 0 || len(s) == 4 && lowerASCII(s) == "null"
	for _, c := range s {
		if c == '"' || c == '\\' || c == '{' || c == '}' || c == delim || isSpace(c) {
			need = true
		}
	}
	if !need {
		return dst
	}
	t := append([]byte(nil), s...)
	dst = append(dst[:start], '"')
	for _, c := range t {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// The wire form of an array: ndim, flags, element type, per dimension length and
// lower bound, then per element its length (-1: NULL) and bytes.
func arraySend(e *Env, dst []byte, d datum.Datum) ([]byte, error) {
	ti, err := e.mustType(array.Type(d.Bytes))
	if err != nil {
		return dst, err
	}
	f, err := e.SendFunc(ti.OID)
	if err != nil {
		return dst, err
	}
	a, err := array.Parse(d.Bytes, ti.ElemStorage())
	if err != nil {
		return dst, err
	}
	dims, _ := array.Dims(d.Bytes)
	nulls := uint32(0)
	for _, x := range a.Elems {
		if x.Null {
			nulls = 1
		}
	}
	dst = be.AppendUint32(dst, uint32(len(dims)))
	dst = be.AppendUint32(dst, nulls)
	dst = be.AppendUint32(dst, uint32(a.Type))
	for _, x := range dims {
		dst = be.AppendUint32(be.AppendUint32(dst, uint32(x.Len)), uint32(x.Lower))
	}
	for _, x := range a.Elems {
		if dst, err = appendSized(e, dst, x, f); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendSized appends a length word and the value, or -1 for NULL.
func appendSized(e *Env, dst []byte, d datum.Datum, f OutFunc) ([]byte, error) {
	if d.Null {
		return be.AppendUint32(dst, 0xffffffff), nil
	}
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst, err := f(e, dst, d)
	if err == nil {
		be.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst, err
}

func arrayRecv(e *Env, b []byte, elem oid.OID, typmod int32) (datum.Datum, error) {
	ti, a, err := e.recvArray(b, elem, typmod)
	if err != nil {
		return datum.Null(), err
	}
	return datum.Bytes(array.Build(a, ti.ElemStorage())), nil
}

func (e *Env) recvArray(b []byte, elem oid.OID, typmod int32) (TypeInfo, array.Array, error) {
	var ti TypeInfo
	var a array.Array
	bad := func(format string, args ...any) (TypeInfo, array.Array, error) {
		return ti, a, pgerr.New(pgerr.InvalidBinaryRepresentation, format, args...)
	}
	if len(b) < 12 {
		return ti, a, shortMessage()
	}
	nd, flags, typ := int(int32(be.Uint32(b))), be.Uint32(b[4:]), oid.OID(be.Uint32(b[8:]))
	if nd < 0 {
		return bad("invalid number of dimensions: %d", nd)
	}
	if nd > array.MaxDim {
		return ti, a, tooManyDims(nd)
	}
	if flags > 1 {
		return bad("invalid array flags")
	}
	ti, err := e.mustType(elem)
	if err != nil {
		return ti, a, err
	}
	if typ != elem {
		return ti, a, pgerr.New(pgerr.DatatypeMismatch, "binary data has array element type %d (%s) instead of expected %d (%s)",
			typ, e.FormatType(typ, -1), elem, e.FormatType(elem, -1))
	}
	f, ok := Recv(ti.Recv)
	if !ok {
		return ti, a, pgerr.NotYet("binary input of type %s", ti.Name)
	}
	a.Type = elem
	b = b[12:]
	if len(b) < 8*nd {
		return ti, a, shortMessage()
	}
	n := int64(1)
	for i := range nd {
		d := array.Dim{Len: int32(be.Uint32(b[8*i:])), Lower: int32(be.Uint32(b[8*i+4:]))}
		if n *= int64(d.Len); d.Len < 0 || n > array.MaxElems {
			return ti, a, pgerr.New(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)", array.MaxElems)
		}
		if int64(d.Lower)+int64(d.Len) > 1<<31-1 {
			return bad("array lower bound is too large: %d", d.Lower)
		}
		a.Dims = append(a.Dims, d)
	}
	b = b[8*nd:]
	if nd == 0 || n == 0 {
		a.Dims = nil
		return ti, a, exact(b, 0)
	}
	if n > int64(len(b)/4) {
		return ti, a, shortMessage()
	}
	a.Elems = make([]datum.Datum, 0, n)
	for range n {
		d, rest, err := takeSized(e, b, f, ti.ioParam(), typmod)
		if err != nil {
			return ti, a, err
		}
		a.Elems = append(a.Elems, d)
		b = rest
	}
	return ti, a, exact(b, 0)
}

// takeSized reads a length word and the value.
func takeSized(e *Env, b []byte, f RecvFunc, param oid.OID, typmod int32) (datum.Datum, []byte, error) {
	if len(b) < 4 {
		return datum.Null(), b, shortMessage()
	}
	n := int(int32(be.Uint32(b)))
	b = b[4:]
	if n == -1 {
		return datum.Null(), b, nil
	}
	if n < 0 || n > len(b) {
		return datum.Null(), b, shortMessage()
	}
	d, err := f(e, b[:n:n], param, typmod)
	return d, b[n:], err
}

func int2VectorIn(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	var vals []int64
	for _, w := range bytes.Fields(s) {
		v, err := parseInt(w, 16, "smallint")
		if err != nil {
			return datum.Null(), err
		}
		vals = append(vals, v)
	}
	return datum.Bytes(array.Vector(oid.Int2, vals)), nil
}

func oidVectorIn(_ *Env, s []byte, _ oid.OID, _ int32) (datum.Datum, error) {
	var vals []int64
	for _, w := range bytes.Fields(s) {
		v, err := parseOID(w)
		if err != nil {
			return datum.Null(), err
		}
		vals = append(vals, int64(v))
	}
	return datum.Bytes(array.Vector(oid.Oid, vals)), nil
}

func vectorOut(_ *Env, dst []byte, d datum.Datum) ([]byte, error) {
	for i, v := range array.VectorInts(d.Bytes) {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = strconv.AppendInt(dst, v, 10)
	}
	return dst, nil
}

func vectorRecv(e *Env, b []byte, elem oid.OID, _ int32) (datum.Datum, error) {
	_, a, err := e.recvArray(b, elem, -1)
	if err != nil {
		return datum.Null(), err
	}
	if len(a.Dims) > 1 || len(a.Dims) == 1 && a.Dims[0].Lower != 0 {
		return datum.Null(), pgerr.New(pgerr.InvalidBinaryRepresentation, "invalid %svector data", map[bool]string{true: "int2", false: "oid"}[elem == oid.Int2])
	}
	vals := make([]int64, len(a.Elems))
	for i, x := range a.Elems {
		if x.Null {
			return datum.Null(), pgerr.New(pgerr.InvalidBinaryRepresentation, "invalid vector data")
		}
		vals[i] = x.Int
	}
	return datum.Bytes(array.Vector(elem, vals)), nil
}
