package builtin

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/jsonb"
	"github.com/pgmini/pgmini/pgerr"
)

// jsonForm is json or jsonb: how a value is read and given back.
type jsonForm struct {
	name   string
	binary bool
}

func (f jsonForm) load(d datum.Datum) (jsonb.Value, error) {
	if f.binary {
		return jsonb.Decode(d.Bytes)
	}
	return jsonb.Parse(d.Bytes, true)
}

// give is v as a value of the form; asText without quotes, null as NULL.
func (f jsonForm) give(v *jsonb.Value, asText bool) (datum.Datum, error) {
	switch {
	case v == nil, asText && v.Kind == jsonb.Null:
		return datum.Null(), nil
	case asText && v.Kind == jsonb.String:
		return datum.Bytes(v.Bytes), nil
	case !f.binary:
		return datum.Bytes(v.Raw), nil
	case asText:
		return datum.Bytes(v.Append(nil)), nil
	}
	b, err := jsonb.Encode(v)
	return datum.Bytes(b), err
}

// jsonIndex reads an array index of a path.
func jsonIndex(s []byte) (int, bool) {
	n, err := strconv.ParseInt(strings.TrimPrefix(strings.TrimLeft(string(s), " \t\n\r\v\f"), "+"), 10, 32)
	return int(n), err == nil
}

// follow goes down a path; nil: there is nothing.
func follow(v *jsonb.Value, path [][]byte) *jsonb.Value {
	for _, p := range path {
		switch {
		case v.Kind == jsonb.Object:
			v = v.Find(p)
		case v.Kind == jsonb.Array:
			i, ok := jsonIndex(p)
			if !ok {
				return nil
			}
			v = v.At(i)
		default:
			return nil
		}
		if v == nil {
			return nil
		}
	}
	return v
}

func jsonParam(format string, a ...any) error {
	return pgerr.New(pgerr.InvalidParameterValue, format, a...)
}

func addJSONAccess(r funcs) {
	for _, f := range []jsonForm{{"json", false}, {"jsonb", true}} {
		get := func(name string, pick func(c *Call, v *jsonb.Value) (*jsonb.Value, error)) {
			for _, asText := range []bool{false, true} {
				full := f.name + "_" + name
				if asText {
					full += "_text"
				}
				r.scalar(full, func(c *Call) (datum.Datum, error) {
					v, err := f.load(c.Args[0])
					if err != nil {
						return datum.Null(), err
					}
					got, err := pick(c, &v)
					if err != nil {
						return datum.Null(), err
					}
					return f.give(got, asText)
				})
			}
		}
		get("object_field", func(c *Call, v *jsonb.Value) (*jsonb.Value, error) { return v.Find(arg(c, 1)), nil })
		get("array_element", func(c *Call, v *jsonb.Value) (*jsonb.Value, error) {
			if i := argInt(c, 1); f.binary && jsonScalar(v) && (i == 0 || i == -1) { // stored as an array of one
				return v, nil
			}
			return v.At(argInt(c, 1)), nil
		})
		get("extract_path", func(c *Call, v *jsonb.Value) (*jsonb.Value, error) {
			path, null, err := pathOf(c, 1)
			if err != nil || null > 0 {
				return nil, err
			}
			return follow(v, path), nil
		})
		r.scalar(f.name+"_array_length", func(c *Call) (datum.Datum, error) {
			v, err := f.load(c.Args[0])
			switch {
			case err != nil:
				return datum.Null(), err
			case v.Kind == jsonb.Object:
				return datum.Null(), jsonParam("cannot get array length of a non-array")
			case v.Kind != jsonb.Array:
				return datum.Null(), jsonParam("cannot get array length of a scalar")
			}
			return datum.Int(int64(len(v.Elems))), nil
		})
		r.scalar(f.name+"_typeof", func(c *Call) (datum.Datum, error) {
			v, err := f.load(c.Args[0])
			return datum.String(v.TypeName()), err
		})
		r.scalar(f.name+"_strip_nulls", func(c *Call) (datum.Datum, error) {
			v, err := f.load(c.Args[0])
			if err != nil {
				return datum.Null(), err
			}
			stripNulls(&v)
			if f.binary {
				return f.give(&v, false)
			}
			return bytesDatum(appendCompact(nil, &v))
		})
	}
}

// stripNulls drops keys whose value is null, on every level.
func stripNulls(v *jsonb.Value) {
	for i := range v.Elems {
		stripNulls(&v.Elems[i])
	}
	kept := v.Pairs[:0]
	for _, p := range v.Pairs {
		if p.Val.Kind != jsonb.Null {
			stripNulls(&p.Val)
			kept = append(kept, p)
		}
	}
	v.Pairs = kept
}

// appendCompact appends v without blanks.
func appendCompact(dst []byte, v *jsonb.Value) []byte {
	comma := func(i int) {
		if i > 0 {
			dst = append(dst, ',')
		}
	}
	switch v.Kind {
	case jsonb.Array:
		dst = append(dst, '[')
		for i := range v.Elems {
			comma(i)
			dst = appendCompact(dst, &v.Elems[i])
		}
		return append(dst, ']')
	case jsonb.Object:
		dst = append(dst, '{')
		for i := range v.Pairs {
			comma(i)
			dst = append(jsonb.AppendQuoted(dst, v.Pairs[i].Key), ':')
			dst = appendCompact(dst, &v.Pairs[i].Val)
		}
		return append(dst, '}')
	}
	return v.Append(dst)
}

// refuse words what a function that wants objects or arrays says to v.
func (f jsonForm) refuse(fn string, v *jsonb.Value, object bool) error {
	scalar := v.Kind != jsonb.Array && v.Kind != jsonb.Object
	name := f.name + "_" + fn
	switch {
	case fn == "object_keys" && scalar:
		return jsonParam("cannot call %s on a scalar", name)
	case fn == "object_keys":
		return jsonParam("cannot call %s on an array", name)
	case object && f.binary:
		return jsonParam("cannot call %s on a non-object", name)
	case object && scalar:
		return jsonParam("cannot deconstruct a scalar")
	case object:
		return jsonParam("cannot deconstruct an array as an object")
	case f.binary && scalar:
		return jsonParam("cannot extract elements from a scalar")
	case f.binary:
		return jsonParam("cannot extract elements from an object")
	case scalar:
		return jsonParam("cannot call %s on a scalar", name)
	}
	return jsonParam("cannot call %s on a non-array", name)
}

func addJSONSets(r funcs) {
	for _, f := range []jsonForm{{"json", false}, {"jsonb", true}} {
		set := func(fn string, object, asText bool, row func(key []byte, v *jsonb.Value) ([]datum.Datum, error)) {
			r.set(f.name+"_"+fn, func(c *Call) (Rows, error) {
				v, err := f.load(c.Args[0])
				if err != nil {
					return nil, err
				}
				if object != (v.Kind == jsonb.Object) || !object && v.Kind != jsonb.Array {
					return nil, f.refuse(fn, &v, object)
				}
				out := &TableRows{}
				add := func(key []byte, e *jsonb.Value) error {
					got, err := row(key, e)
					out.Data = append(out.Data, got)
					return err
				}
				for i := range v.Elems {
					if err := add(nil, &v.Elems[i]); err != nil {
						return nil, err
					}
				}
				for i := range v.Pairs {
					if err := add(v.Pairs[i].Key, &v.Pairs[i].Val); err != nil {
						return nil, err
					}
				}
				return out, nil
			})
		}
		set("object_keys", true, true, func(key []byte, _ *jsonb.Value) ([]datum.Datum, error) { return []datum.Datum{datum.Bytes(key)}, nil })
		for suffix, asText := range map[string]bool{"": false, "_text": true} {
			set("array_elements"+suffix, false, asText, func(_ []byte, v *jsonb.Value) ([]datum.Datum, error) {
				d, err := f.give(v, asText)
				return []datum.Datum{d}, err
			})
			set("each"+suffix, true, asText, func(key []byte, v *jsonb.Value) ([]datum.Datum, error) {
				d, err := f.give(v, asText)
				return []datum.Datum{datum.Bytes(key), d}, err
			})
		}
	}
}

// addJSONBCasts: jsonb to bool and the numbers.
func addJSONBCasts(r funcs) {
	cast := func(name, typ string, kind jsonb.Kind, f func(v *jsonb.Value) (datum.Datum, error)) {
		r.scalar("jsonb_"+name, func(c *Call) (datum.Datum, error) {
			v, err := jsonb.Decode(arg(c, 0))
			if err != nil {
				return datum.Null(), err
			}
			if v.Kind != kind {
				what := v.TypeName()
				if v.Kind == jsonb.Number {
					what = "numeric"
				}
				return datum.Null(), jsonParam("cannot cast jsonb %s to type %s", what, typ)
			}
			return f(&v)
		})
	}
	cast("bool", "boolean", jsonb.Bool, func(v *jsonb.Value) (datum.Datum, error) { return datum.Bool(v.True), nil })
	cast("numeric", "numeric", jsonb.Number, func(v *jsonb.Value) (datum.Datum, error) { return datum.Bytes(bytes.Clone(v.Num)), nil })
	for name, typ := range map[string]string{"int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real", "float8": "double precision"} {
		f := r["numeric_"+name]
		cast(name, typ, jsonb.Number, func(v *jsonb.Value) (datum.Datum, error) {
			return f.Scalar(&Call{Args: []datum.Datum{datum.Bytes(v.Num)}})
		})
	}
}
