package builtin

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/types"
)

// swapped are the functions that call another one with the arguments exchanged.
//
// constant
var swapped = map[oid.OID]string{1296: "datetime_timestamp", 1298: "datetimetz_timestamptz", 1848: "time_pl_interval",
	2546: "date_pl_interval", 2547: "timetz_pl_interval", 2548: "timestamp_pl_interval", 2549: "timestamptz_pl_interval",
	2550: "date_pli", 5023: "pg_lsn_pli"}

// LookupSQL returns a function of pg_catalog that PostgreSQL writes in the SQL
// language (pg_proc.prolang 14, no prosrc to key by), by its OID.
func LookupSQL(fn oid.OID) (*Func, bool) {
	r := registry()
	via := func(src string, args func(c *Call) []datum.Datum, typs ...oid.OID) (*Func, bool) {
		f, ok := r[src]
		if !ok {
			return nil, false
		}
		return &Func{Scalar: func(c *Call) (datum.Datum, error) {
			d := *c
			d.Args = args(c)
			if len(typs) > 0 {
				d.ArgTypes = typs
			}
			return f.Scalar(&d)
		}}, true
	}
	plus := func(d datum.Datum) func(c *Call) []datum.Datum {
		return func(c *Call) []datum.Datum { return append(append([]datum.Datum{}, c.Args...), d) }
	}
	if src, ok := swapped[fn]; ok {
		return via(src, func(c *Call) []datum.Datum { return []datum.Datum{c.Args[1], c.Args[0]} })
	}
	switch fn {
	case 879:
		return via("lpad", plus(datum.String(" ")))
	case 880:
		return via("rpad", plus(datum.String(" ")))
	case 1708:
		return via("numeric_round", plus(datum.Int(0)))
	case 1710:
		return via("numeric_trunc", plus(datum.Int(0)))
	case 1741, 1481:
		ten, err := numDatum(tenNum(), nil)
		if err != nil {
			return nil, false
		}
		return via("numeric_log", func(c *Call) []datum.Datum { return []datum.Datum{ten, c.Args[0]} })
	case 1285:
		return asText(r, "quote_literal")
	case 1290:
		return asText(r, "quote_nullable")
	case 2003:
		return r["textanycat"], true
	case 2004:
		return r["anytextcat"], true
	case 1810, 1811:
		return &Func{Scalar: func(c *Call) (datum.Datum, error) { return datum.Int(8 * int64(len(arg(c, 0)))), nil }}, true
	case 1176:
		return &Func{Scalar: func(c *Call) (datum.Datum, error) {
			ts, err := dateStamp(int32(c.Args[0].Int))
			if err != nil || !finite(ts) {
				return intResult(ts, err)
			}
			return intResult(types.FromLocal(c.Env.Location(), ts+c.Args[1].Int))
		}}, true
	case 1384:
		return via("timestamp_part", func(c *Call) []datum.Datum {
			ts, _ := dateStamp(int32(c.Args[1].Int))
			return []datum.Datum{c.Args[0], datum.Int(ts)}
		})
	case 1386, 2059:
		src := map[oid.OID]string{1386: "timestamptz_age", 2059: "timestamp_age"}[fn]
		return via(src, func(c *Call) []datum.Datum { return []datum.Datum{midnight(c.Env, fn == 1386), c.Args[0]} })
	case 2325:
		return via("pg_relation_size", plus(datum.String("main")))
	case 1215, 1993, 1348, 1216:
		return &Func{Scalar: func(*Call) (datum.Datum, error) { return datum.Null(), nil }}, true
	case 3935:
		return via("pg_sleep", func(c *Call) []datum.Datum {
			v := types.ParseSpan(arg(c, 0))
			return []datum.Datum{datum.Float8(float64(int64(v.Months)*30+int64(v.Days))*86400 + float64(v.Micros)/1e6)}
		})
	}
	return nil, false
}

// midnight is today at 00:00 in the session's zone.
func midnight(e *Env, tz bool) datum.Datum {
	d, _ := types.FloorDiv64(types.ToLocal(e.Location(), e.txTime()), usecDay)
	ts := d * usecDay
	if tz {
		ts -= int64(types.LocalOffset(e.Location(), ts)) * usecSec
	}
	return datum.Int(ts)
}

// asText calls src with the text of any value.
func asText(r funcs, src string) (*Func, bool) {
	f, ok := r[src]
	return &Func{Scalar: func(c *Call) (datum.Datum, error) {
		if c.Args[0].Null {
			return f.Scalar(c)
		}
		b, err := c.Env.Output(nil, c.ArgTypes[0], c.Args[0])
		if err != nil {
			return datum.Null(), err
		}
		return f.Scalar(&Call{Env: c.Env, Args: []datum.Datum{datum.Bytes(b)}, ArgTypes: []oid.OID{oid.Text}, Collation: c.Collation})
	}}, ok
}
