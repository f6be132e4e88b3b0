package builtin

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

// addIO makes the input, output, typmod and other support functions of types
// callable from SQL and by CoerceViaIO.
func addIO(r funcs) {
	seen := map[string]bool{}
	for _, ti := range types.AllBuiltIn() {
		if f, ok := types.In(ti.In); ok && !seen[ti.In] {
			seen[ti.In] = true
			r.scalar(ti.In, func(c *Call) (datum.Datum, error) {
				elem, mod := oid.OID(0), int32(-1)
				if len(c.Args) > 1 {
					elem = oid.OID(uint32(c.Args[1].Int))
				}
				if len(c.Args) > 2 {
					mod = int32(c.Args[2].Int)
				}
				return f(&c.Env.Env, arg(c, 0), elem, mod)
			})
		}
		out := func(name string, f types.OutFunc, ok bool) {
			if ok && !seen[name] {
				seen[name] = true
				r.scalar(name, func(c *Call) (datum.Datum, error) {
					b, err := f(&c.Env.Env, []byte{}, c.Args[0])
					return datum.Bytes(b), err
				})
			}
		}
		fo, ok := types.Out(ti.Out)
		out(ti.Out, fo, ok)
		fs, ok := types.Send(ti.Send)
		out(ti.Send, fs, ok)
	}
	for _, n := range []string{"bpchar", "varchar", "numeric", "timestamp", "timestamptz", "time", "timetz", "interval"} {
		r.scalar(n+"typmodin", func(c *Call) (datum.Datum, error) { return typmodIn(c, n+"typmodin") })
		r.scalar(n+"typmodout", func(c *Call) (datum.Datum, error) {
			return text(types.FormatTypMod(n+"typmodout", int32(c.Args[0].Int)))
		})
	}
}

func typmodIn(c *Call, name string) (datum.Datum, error) {
	a, _, err := parseArray(c, 0)
	if err != nil {
		return datum.Null(), err
	}
	var mods []int32
	for _, d := range a.Elems {
		if d.Null {
			return datum.Null(), pgerr.New(pgerr.NullValueNotAllowed, "typmod array must not contain nulls")
		}
		v, err := c.Env.Input(oid.Int4, d.Bytes, -1)
		if err != nil {
			return datum.Null(), err
		}
		mods = append(mods, int32(v.Int))
	}
	m, err := types.ParseTypMod(name, mods)
	return datum.Int(int64(m)), err
}
