package builtin

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
)

// addStored adds the functions about how a value is stored.
func addStored(r funcs) {
	r["pg_column_size"] = &Func{Scalar: columnSize, Stored: true}
	r["pg_column_compression"] = &Func{Scalar: columnCompression, Stored: true}
}

// columnSize is the bytes that a value takes: of a varlena in a table, with the
// header it has there, or its chunks without one.
func columnSize(c *Call) (datum.Datum, error) {
	d := c.Args[0]
	ti, ok := c.Env.Type(c.ArgTypes[0])
	switch {
	case d.Null || !ok:
		return datum.Null(), nil
	case ti.Len > 0:
		return datum.Int(int64(ti.Len)), nil
	case ti.Len == -2:
		return datum.Int(int64(len(d.Bytes) + 1)), nil
	case access.IsExternal(c.Stored):
		return datum.Int(int64(access.GetExternal(c.Stored).ExtSize)), nil
	case c.Stored != nil:
		return datum.Int(int64(len(c.Stored))), nil
	}
	return datum.Int(int64(len(d.Bytes) + 4)), nil
}

// columnCompression names the method that a stored varlena is compressed with;
// NULL if it is not.
func columnCompression(c *Call) (datum.Datum, error) {
	var method uint8
	switch s := c.Stored; {
	case access.IsExternal(s):
		e := access.GetExternal(s)
		if !e.Compressed() {
			return datum.Null(), nil
		}
		method = e.Method
	case access.IsCompressed(s):
		method = access.Method(s)
	default:
		return datum.Null(), nil
	}
	if method == access.LZ4 {
		return datum.Bytes([]byte("lz4")), nil
	}
	return datum.Bytes([]byte("pglz")), nil
}
