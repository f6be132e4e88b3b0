package builtin

import (
	"bytes"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/datum/cmp"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

type cmpOp uint8

const (
	opEQ cmpOp = iota
	opNE
	opLT
	opLE
	opGT
	opGE
)

func (op cmpOp) holds(c int) bool {
	switch op {
	case opEQ:
		return c == 0
	case opNE:
		return c != 0
	case opLT:
		return c < 0
	case opLE:
		return c <= 0
	case opGT:
		return c > 0
	}
	return c >= 0
}

// constant
var opNames = [...]string{opEQ: "eq", opNE: "ne", opLT: "lt", opLE: "le", opGT: "gt", opGE: "ge"}

// compareInts is the batch form for integers of two widths.
func compareInts[A, B signed](op cmpOp) batchFunc {
	switch op {
	case opEQ:
		return lift2(func(a, b int64) int64 { return b2i(int64(A(a)) == int64(B(b))) })
	case opNE:
		return lift2(func(a, b int64) int64 { return b2i(int64(A(a)) != int64(B(b))) })
	case opLT:
		return lift2(func(a, b int64) int64 { return b2i(int64(A(a)) < int64(B(b))) })
	case opLE:
		return lift2(func(a, b int64) int64 { return b2i(int64(A(a)) <= int64(B(b))) })
	case opGT:
		return lift2(func(a, b int64) int64 { return b2i(int64(A(a)) > int64(B(b))) })
	}
	return lift2(func(a, b int64) int64 { return b2i(int64(A(a)) >= int64(B(b))) })
}

// family registers the six comparisons whose names are prefix+op+suffix.
func (r funcs) family(prefix, suffix string, f cmp.Func, batch func(op cmpOp) batchFunc) {
	for i, n := range opNames {
		op := cmpOp(i)
		fn := &Func{Scalar: func(c *Call) (datum.Datum, error) {
			return datum.Bool(op.holds(f(c.Args[0], c.Args[1]))), nil
		}}
		if batch != nil {
			fn.Batch = batch(op)
		}
		r[prefix+n+suffix] = fn
	}
}

func addCompare(r funcs) {
	get := func(name string) cmp.Func {
		f, ok := cmp.ByProc(name)
		if !ok {
			panic("no comparison " + name)
		}
		r.scalar(name, func(c *Call) (datum.Datum, error) { return datum.Int(int64(f(c.Args[0], c.Args[1]))), nil })
		return f
	}
	raw := func(op cmpOp) batchFunc {
		if op == opEQ {
			return liftBytes(func(a, b []byte) int64 { return b2i(bytes.Equal(a, b)) })
		}
		return liftBytes(func(a, b []byte) int64 { return b2i(op.holds(bytes.Compare(a, b))) })
	}
	boxed := func(f cmp.Func) func(op cmpOp) batchFunc {
		return func(op cmpOp) batchFunc {
			return liftBytes(func(a, b []byte) int64 { return b2i(op.holds(f(datum.Datum{Bytes: a}, datum.Datum{Bytes: b}))) })
		}
	}
	word := func(f cmp.Func) func(op cmpOp) batchFunc {
		return func(op cmpOp) batchFunc {
			return lift2(func(a, b int64) int64 { return b2i(op.holds(f(datum.Datum{Int: a}, datum.Datum{Int: b}))) })
		}
	}
	r.family("int2", "", get("btint2cmp"), compareInts[int16, int16])
	r.family("int4", "", get("btint4cmp"), compareInts[int32, int32])
	r.family("int8", "", get("btint8cmp"), compareInts[int64, int64])
	r.family("int24", "", get("btint24cmp"), compareInts[int16, int32])
	r.family("int28", "", get("btint28cmp"), compareInts[int16, int64])
	r.family("int42", "", get("btint42cmp"), compareInts[int32, int16])
	r.family("int48", "", get("btint48cmp"), compareInts[int32, int64])
	r.family("int82", "", get("btint82cmp"), compareInts[int64, int16])
	r.family("int84", "", get("btint84cmp"), compareInts[int64, int32])
	r.family("date_", "", get("date_cmp"), compareInts[int32, int32])
	r.family("time_", "", get("time_cmp"), compareInts[int64, int64])
	r.family("timestamp_", "", get("timestamp_cmp"), compareInts[int64, int64])
	r.family("timestamptz_", "", get("timestamp_cmp"), compareInts[int64, int64])
	r.family("date_", "_timestamp", get("date_cmp_timestamp"), nil)
	r.family("timestamp_", "_date", get("timestamp_cmp_date"), nil)
	for prefix, name := range map[string]string{"bool": "btboolcmp", "char": "btcharcmp", "oid": "btoidcmp",
		"xid8": "xid8cmp", "pg_lsn_": "pg_lsn_cmp", "float4": "btfloat4cmp", "float8": "btfloat8cmp",
		"float48": "btfloat48cmp", "float84": "btfloat84cmp"} {
		f := get(name)
		r.family(prefix, "", f, word(f))
	}
	for prefix, name := range map[string]string{"text": "bttextcmp", "text_": "bttextcmp", "name": "btnamecmp", "bytea": "byteacmp", "uuid_": "uuid_cmp",
		"text_pattern_": "bttext_pattern_cmp"} {
		r.family(prefix, "", get(name), raw)
	}
	r.family("name", "text", get("btnametextcmp"), raw)
	r.family("text", "name", get("bttextnamecmp"), raw)
	for prefix, name := range map[string]string{"bpchar": "bpcharcmp", "bpchar_pattern_": "btbpchar_pattern_cmp", "tid": "bttidcmp",
		"timetz_": "timetz_cmp", "interval_": "interval_cmp", "numeric_": "numeric_cmp", "jsonb_": "jsonb_cmp", "oidvector": "btoidvectorcmp"} {
		f := get(name)
		r.family(prefix, "", f, boxed(f))
	}
	xid := func(a, b datum.Datum) int { return int(b2i(uint32(a.Int) != uint32(b.Int))) }
	for _, p := range []string{"xid", "cid"} {
		r.family(p, "", xid, word(xid))
	}
	r["xidneq"] = r["xidne"]
	addLargerSmaller(r)
	addHashes(r)
	addZoneCompare(r)
	addArrayCompare(r)
	addRecordCompare(r)
	acl := func(a, b datum.Datum) int { return bytes.Compare(a.Bytes, b.Bytes) }
	r.family("aclitem_", "", acl, nil)
}

// addLargerSmaller: the transition functions of max and min.
func addLargerSmaller(r funcs) {
	for name, proc := range map[string]string{"int2": "btint2cmp", "int4": "btint4cmp", "int8": "btint8cmp", "float4": "btfloat4cmp",
		"float8": "btfloat8cmp", "oid": "btoidcmp", "text_": "bttextcmp", "bpchar_": "bpcharcmp", "date_": "date_cmp", "time_": "time_cmp",
		"timetz_": "timetz_cmp", "timestamp_": "timestamp_cmp", "timestamptz_": "timestamp_cmp", "interval_": "interval_cmp",
		"numeric_": "numeric_cmp", "tid": "bttidcmp", "pg_lsn_": "pg_lsn_cmp", "xid8_": "xid8cmp"} {
		f, _ := cmp.ByProc(proc)
		r.scalar(name+"larger", func(c *Call) (datum.Datum, error) {
			if f(c.Args[0], c.Args[1]) > 0 {
				return c.Args[0], nil
			}
			return c.Args[1], nil
		})
		r.scalar(name+"smaller", func(c *Call) (datum.Datum, error) {
			if f(c.Args[0], c.Args[1]) < 0 {
				return c.Args[0], nil
			}
			return c.Args[1], nil
		})
	}
}

// constant
var hashNames = []string{"hashchar", "hashint2", "hashint4", "hashint8", "hashoid", "hashenum", "hashfloat4", "hashfloat8",
	"hashtext", "hashname", "hashbpchar", "hashtid", "hashoidvector", "hash_numeric", "interval_hash", "timetz_hash",
	"time_hash", "timestamp_hash", "pg_lsn_hash", "uuid_hash", "hash_aclitem", "hashvarlena"}

func addHashes(r funcs) {
	for _, n := range hashNames {
		f, _ := cmp.HashByProc(n)
		r.scalar(n, func(c *Call) (datum.Datum, error) { return datum.Int(int64(int32(f(c.Args[0])))), nil })
		for _, x := range []string{n + "extended", n + "_extended"} {
			if g, ok := cmp.Hash64ByProc(x); ok {
				r.scalar(x, func(c *Call) (datum.Datum, error) {
					return datum.Int(int64(g(c.Args[0], uint64(c.Args[1].Int)))), nil
				})
			}
		}
	}
	r.scalar("btequalimage", func(*Call) (datum.Datum, error) { return datum.Bool(true), nil })
	r.scalar("btvarstrequalimage", func(*Call) (datum.Datum, error) { return datum.Bool(true), nil })
}

// addZoneCompare: a timestamp or date against a timestamptz goes through the
// session's time zone.
func addZoneCompare(r funcs) {
	add := func(a, b string, left, right func(e *Env, d datum.Datum) int64) {
		for i, n := range opNames {
			op := cmpOp(i)
			r.scalar(a+"_"+n+"_"+b, func(c *Call) (datum.Datum, error) {
				x, y := left(c.Env, c.Args[0]), right(c.Env, c.Args[1])
				return datum.Bool(op.holds(compare64(x, y))), nil
			})
		}
		r.scalar(a+"_cmp_"+b, func(c *Call) (datum.Datum, error) {
			return datum.Int(int64(compare64(left(c.Env, c.Args[0]), right(c.Env, c.Args[1])))), nil
		})
	}
	same := func(_ *Env, d datum.Datum) int64 { return d.Int }
	local := func(e *Env, d datum.Datum) int64 {
		if !types.IsFinite(d.Int) {
			return d.Int
		}
		return d.Int - int64(types.LocalOffset(e.Location(), d.Int))*1000000
	}
	day := func(e *Env, d datum.Datum) int64 {
		ts, over := cmp.DateToTimestamp(int32(d.Int))
		if over != 0 || !types.IsFinite(ts) {
			return ts - int64(over)
		}
		return local(e, datum.Int(ts))
	}
	add("timestamp", "timestamptz", local, same)
	add("timestamptz", "timestamp", same, local)
	add("date", "timestamptz", day, same)
	add("timestamptz", "date", same, day)
}

func compare64(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// constant
var cmpOfType = map[oid.OID]string{
	oid.Bool: "btboolcmp", oid.Bytea: "byteacmp", oid.Char: "btcharcmp", oid.Name: "btnamecmp", oid.Int8: "btint8cmp",
	oid.Int2: "btint2cmp", oid.Int4: "btint4cmp", oid.Text: "bttextcmp", oid.Varchar: "bttextcmp", oid.Oid: "btoidcmp",
	oid.Tid: "bttidcmp", oid.OidVector: "btoidvectorcmp", oid.Float4: "btfloat4cmp", oid.Float8: "btfloat8cmp",
	oid.Bpchar: "bpcharcmp", oid.Date: "date_cmp", oid.Time: "time_cmp", oid.Timestamp: "timestamp_cmp",
	oid.TimestampTZ: "timestamp_cmp", oid.Interval: "interval_cmp", oid.TimeTZ: "timetz_cmp", oid.Numeric: "numeric_cmp",
	oid.UUID: "uuid_cmp", oid.PgLSN: "pg_lsn_cmp", oid.XID8: "xid8cmp", oid.RegClass: "btoidcmp", oid.RegType: "btoidcmp",
	oid.RegProc: "btoidcmp", oid.RegProcedure: "btoidcmp", oid.RegOper: "btoidcmp", oid.RegOperator: "btoidcmp",
	oid.RegNamespace: "btoidcmp", oid.RegRole: "btoidcmp", oid.RegCollation: "btoidcmp", oid.RegConfig: "btoidcmp",
	oid.RegDictionary: "btoidcmp", oid.Xid: "btoidcmp", oid.Cid: "btoidcmp", oid.JSONB: "jsonb_cmp", oid.Bit: "bitcmp", oid.Varbit: "bitcmp",
}

// constant
var hashOfType = map[string]string{
	"btboolcmp": "hashchar", "byteacmp": "hashvarlena", "btcharcmp": "hashchar", "btnamecmp": "hashname", "btint8cmp": "hashint8",
	"btint2cmp": "hashint2", "btint4cmp": "hashint4", "bttextcmp": "hashtext", "btoidcmp": "hashoid", "bttidcmp": "hashtid",
	"btoidvectorcmp": "hashoidvector", "btfloat4cmp": "hashfloat4", "btfloat8cmp": "hashfloat8", "bpcharcmp": "hashbpchar",
	"date_cmp": "hashint4", "time_cmp": "time_hash", "timestamp_cmp": "timestamp_hash", "interval_cmp": "interval_hash",
	"timetz_cmp": "timetz_hash", "numeric_cmp": "hash_numeric", "uuid_cmp": "uuid_hash", "pg_lsn_cmp": "pg_lsn_hash", "xid8cmp": "hashint8",
}

// CompareType is the default ordering of a type: also of arrays, domains, enums
// and rows of such types.
func (e *Env) CompareType(t oid.OID) (cmp.Func, error) {
	if p, ok := cmpOfType[t]; ok {
		f, _ := cmp.ByProc(p)
		return f, nil
	}
	ti, ok := e.Type(t)
	switch {
	case !ok:
	case ti.Type == 'd':
		return e.CompareType(ti.Base)
	case ti.Type == 'e':
		f, _ := cmp.ByProc("btoidcmp")
		return f, nil
	case ti.IsArray():
		el, ok := e.Type(ti.Elem)
		f, err := e.CompareType(ti.Elem)
		if !ok || err != nil {
			return nil, err
		}
		return cmp.Array(el.ElemStorage(), f), nil
	case ti.Type == 'c' || t == oid.Record:
		return func(a, b datum.Datum) int { v, _ := e.compareRows(a.Bytes, b.Bytes); return v }, nil
	}
	return nil, pgerr.New(pgerr.UndefinedFunction, "could not identify a comparison function for type %s", e.FormatType(t, -1))
}

// HashType is the default hash of a type.
func (e *Env) HashType(t oid.OID) (cmp.HashFunc64, error) {
	if p, ok := cmpOfType[t]; ok {
		n := hashOfType[p]
		for _, x := range []string{n + "extended", n + "_extended"} {
			if f, ok := cmp.Hash64ByProc(x); ok {
				return f, nil
			}
		}
	}
	ti, ok := e.Type(t)
	switch {
	case !ok:
	case ti.Type == 'd':
		return e.HashType(ti.Base)
	case ti.Type == 'e':
		return e.HashType(oid.Oid)
	case ti.IsArray():
		el, ok := e.Type(ti.Elem)
		f, err := e.HashType(ti.Elem)
		if !ok || err != nil {
			return nil, err
		}
		return cmp.HashArray64(el.ElemStorage(), f), nil
	case ti.Type == 'c' || t == oid.Record:
		return e.hashRow, nil
	}
	return nil, pgerr.New(pgerr.UndefinedFunction, "could not identify a hash function for type %s", e.FormatType(t, -1))
}

func (e *Env) hashRow(a datum.Datum, seed uint64) uint64 {
	cols, err := e.RowColumns(a.Bytes)
	if err != nil {
		return 0
	}
	vals, err := e.DeformRow(a.Bytes, cols)
	if err != nil {
		return 0
	}
	h := uint64(0)
	for i, c := range cols {
		if c.Dropped {
			continue
		}
		var x uint64
		if f, err := e.HashType(c.Type); err == nil && !vals[i].Null {
			x = f(vals[i], seed)
		}
		h = h*31 + x
	}
	return h
}

func (e *Env) compareRows(a, b []byte) (int, error) {
	ca, err := e.RowColumns(a)
	if err != nil {
		return 0, err
	}
	cb, err := e.RowColumns(b)
	if err != nil {
		return 0, err
	}
	va, err := e.DeformRow(a, ca)
	if err != nil {
		return 0, err
	}
	vb, err := e.DeformRow(b, cb)
	if err != nil {
		return 0, err
	}
	i, j := 0, 0
	for n := 1; ; n++ {
		for i < len(ca) && ca[i].Dropped {
			i++
		}
		for j < len(cb) && cb[j].Dropped {
			j++
		}
		if i >= len(ca) || j >= len(cb) {
			break
		}
		if ca[i].Type != cb[j].Type {
			return 0, pgerr.New(pgerr.DatatypeMismatch, "cannot compare dissimilar column types %s and %s at record column %d",
				e.FormatType(ca[i].Type, -1), e.FormatType(cb[j].Type, -1), n)
		}
		switch x, y := va[i], vb[j]; {
		case x.Null && y.Null:
		case x.Null:
			return 1, nil
		case y.Null:
			return -1, nil
		default:
			f, err := e.CompareType(ca[i].Type)
			if err != nil {
				return 0, err
			}
			if c := f(x, y); c != 0 {
				return c, nil
			}
		}
		i++
		j++
	}
	if i < len(ca) || j < len(cb) {
		return 0, pgerr.New(pgerr.DatatypeMismatch, "cannot compare record types with different numbers of columns")
	}
	return 0, nil
}

func addRecordCompare(r funcs) {
	for i, n := range opNames {
		op := cmpOp(i)
		r.scalar("record_"+n, func(c *Call) (datum.Datum, error) {
			v, err := c.Env.compareRows(c.Args[0].Bytes, c.Args[1].Bytes)
			return datum.Bool(op.holds(v)), err
		})
		r.scalar("record_image_"+n, func(c *Call) (datum.Datum, error) {
			return datum.Bool(op.holds(bytes.Compare(c.Args[0].Bytes[8:], c.Args[1].Bytes[8:]))), nil
		})
	}
	r.scalar("btrecordcmp", func(c *Call) (datum.Datum, error) {
		v, err := c.Env.compareRows(c.Args[0].Bytes, c.Args[1].Bytes)
		return datum.Int(int64(v)), err
	})
	r.scalar("btrecordimagecmp", func(c *Call) (datum.Datum, error) {
		return datum.Int(int64(bytes.Compare(c.Args[0].Bytes[8:], c.Args[1].Bytes[8:]))), nil
	})
	r.scalar("hash_record", func(c *Call) (datum.Datum, error) {
		return datum.Int(int64(int32(c.Env.hashRow(c.Args[0], 0)))), nil
	})
	r.scalar("hash_record_extended", func(c *Call) (datum.Datum, error) {
		return datum.Int(int64(c.Env.hashRow(c.Args[0], uint64(c.Args[1].Int)))), nil
	})
}

// EqualType is what tells equal values of a type from others: 0 for equal. A type
// that has equality but no order, as aclitem, is compared by its bytes.
func (e *Env) EqualType(t oid.OID) (cmp.Func, error) {
	if t == oid.AclItem {
		return func(a, b datum.Datum) int { return bytes.Compare(a.Bytes, b.Bytes) }, nil
	}
	return e.CompareType(t)
}

// arrayCompare finds, once per call site, the ordering of the arrays in c, or what
// tells equal ones from others.
func arrayCompare(c *Call, equality bool) (cmp.Func, error) {
	if f, ok := c.Memo.(cmp.Func); ok {
		return f, nil
	}
	t := array.Type(c.Args[0].Bytes)
	if u := array.Type(c.Args[1].Bytes); u != t {
		return nil, pgerr.New(pgerr.DatatypeMismatch, "cannot compare arrays of different element types")
	}
	st, err := c.Env.ElemInfo(t)
	if err != nil {
		return nil, err
	}
	find := c.Env.CompareType
	if equality {
		find = c.Env.EqualType
	}
	f, err := find(t)
	if err != nil {
		return nil, err
	}
	g := cmp.Array(st, f)
	c.Memo = g
	return g, nil
}

func addArrayCompare(r funcs) {
	for i, n := range opNames {
		op := cmpOp(i)
		r.scalar("array_"+n, func(c *Call) (datum.Datum, error) {
			f, err := arrayCompare(c, n == "eq" || n == "ne")
			if err != nil {
				return datum.Null(), err
			}
			return datum.Bool(op.holds(f(c.Args[0], c.Args[1]))), nil
		})
	}
	r.scalar("btarraycmp", func(c *Call) (datum.Datum, error) {
		f, err := arrayCompare(c, false)
		if err != nil {
			return datum.Null(), err
		}
		return datum.Int(int64(f(c.Args[0], c.Args[1]))), nil
	})
	pick := func(want int) scalarFunc {
		return func(c *Call) (datum.Datum, error) {
			f, err := arrayCompare(c, false)
			if err != nil {
				return datum.Null(), err
			}
			if v := f(c.Args[0], c.Args[1]); v*want > 0 || v == 0 {
				return c.Args[0], nil
			}
			return c.Args[1], nil
		}
	}
	r.scalar("array_larger", pick(1))
	r.scalar("array_smaller", pick(-1))
	r.scalar("hash_array", func(c *Call) (datum.Datum, error) {
		f, err := hashArray(c)
		if err != nil {
			return datum.Null(), err
		}
		return datum.Int(int64(int32(f(c.Args[0], 0)))), nil
	})
	r.scalar("hash_array_extended", func(c *Call) (datum.Datum, error) {
		f, err := hashArray(c)
		if err != nil {
			return datum.Null(), err
		}
		return datum.Int(int64(f(c.Args[0], uint64(c.Args[1].Int)))), nil
	})
}

func hashArray(c *Call) (cmp.HashFunc64, error) {
	t := array.Type(c.Args[0].Bytes)
	st, err := c.Env.ElemInfo(t)
	if err != nil {
		return nil, err
	}
	f, err := c.Env.HashType(t)
	if err != nil {
		return nil, err
	}
	return cmp.HashArray64(st, f), nil
}
