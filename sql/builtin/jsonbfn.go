package builtin

import (
	"bytes"
	"slices"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/cmp"
	"github.com/pgmini/pgmini/datum/jsonb"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

// jsonbOp registers a function that makes a jsonb of jsonb arguments.
func (r funcs) jsonbOp(name string, f func(c *Call, v jsonb.Value) (jsonb.Value, error)) {
	r.scalar(name, func(c *Call) (datum.Datum, error) {
		v, err := jsonb.Decode(arg(c, 0))
		if err != nil {
			return datum.Null(), err
		}
		if v, err = f(c, v); err != nil {
			return datum.Null(), err
		}
		return types.JSONB(v)
	})
}

// jsonbTest registers a function that answers a question on a jsonb.
func (r funcs) jsonbTest(name string, f func(c *Call, v *jsonb.Value) (bool, error)) {
	r.scalar(name, func(c *Call) (datum.Datum, error) {
		v, err := jsonb.Decode(arg(c, 0))
		if err != nil {
			return datum.Null(), err
		}
		ok, err := f(c, &v)
		return datum.Bool(ok), err
	})
}

func addJSONB(r funcs) {
	r.jsonbTest("jsonb_contains", func(c *Call, v *jsonb.Value) (bool, error) {
		w, err := jsonb.Decode(arg(c, 1))
		return jsonb.Contains(v, &w), err
	})
	r.jsonbTest("jsonb_contained", func(c *Call, v *jsonb.Value) (bool, error) {
		w, err := jsonb.Decode(arg(c, 1))
		return jsonb.Contains(&w, v), err
	})
	r.jsonbTest("jsonb_exists", func(c *Call, v *jsonb.Value) (bool, error) { return jsonbHas(v, arg(c, 1)), nil })
	some := func(all bool) func(c *Call, v *jsonb.Value) (bool, error) {
		return func(c *Call, v *jsonb.Value) (bool, error) {
			a, _, err := parseArray(c, 1)
			for _, k := range a.Elems {
				if !k.Null && jsonbHas(v, k.Bytes) != all {
					return !all, err
				}
			}
			return all, err
		}
	}
	r.jsonbTest("jsonb_exists_any", some(false))
	r.jsonbTest("jsonb_exists_all", some(true))
	r.scalar("jsonb_pretty", func(c *Call) (datum.Datum, error) {
		v, err := jsonb.Decode(arg(c, 0))
		if err != nil {
			return datum.Null(), err
		}
		return bytesDatum(v.AppendPretty(nil))
	})
	r.jsonbOp("jsonb_concat", func(c *Call, v jsonb.Value) (jsonb.Value, error) {
		w, err := jsonb.Decode(arg(c, 1))
		return jsonbConcat(v, w), err
	})
	addJSONBDelete(r)
	r.scalar("jsonb_hash", func(c *Call) (datum.Datum, error) {
		v, err := jsonb.Decode(arg(c, 0))
		return datum.Int(int64(int32(cmp.HashJSONB(&v)))), err
	})
	r.scalar("jsonb_hash_extended", func(c *Call) (datum.Datum, error) {
		v, err := jsonb.Decode(arg(c, 0))
		return datum.Int(int64(cmp.HashJSONB64(&v, uint64(c.Args[1].Int)))), err
	})
	set := func(c *Call, v jsonb.Value, op pathOp) (jsonb.Value, error) {
		val, err := jsonb.Decode(arg(c, 2))
		if err != nil {
			return v, err
		}
		return jsonbSet(c, v, op, &val)
	}
	r.jsonbOp("jsonb_set", func(c *Call, v jsonb.Value) (jsonb.Value, error) {
		return set(c, v, pathOp{create: c.Args[3].Bool(), replace: true})
	})
	r.jsonbOp("jsonb_insert", func(c *Call, v jsonb.Value) (jsonb.Value, error) {
		return set(c, v, pathOp{create: true, after: c.Args[3].Bool()})
	})
	r.scalar("jsonb_set_lax", func(c *Call) (datum.Datum, error) { return jsonbSetLax(r, c) })
}

// jsonbHas is the operator ?.
func jsonbHas(v *jsonb.Value, key []byte) bool {
	isKey := func(e jsonb.Value) bool { return e.Kind == jsonb.String && bytes.Equal(e.Bytes, key) }
	return v.Find(key) != nil || slices.ContainsFunc(v.Elems, isKey) || isKey(*v)
}

func jsonbConcat(a, b jsonb.Value) jsonb.Value {
	if a.Kind == jsonb.Object && b.Kind == jsonb.Object {
		a.Pairs = append(slices.Clone(a.Pairs), b.Pairs...)
		return a
	}
	out := jsonb.Value{Kind: jsonb.Array}
	for _, v := range []jsonb.Value{a, b} {
		if v.Kind == jsonb.Array {
			out.Elems = append(out.Elems, v.Elems...)
		} else {
			out.Elems = append(out.Elems, v)
		}
	}
	return out
}

func jsonScalar(v *jsonb.Value) bool { return v.Kind != jsonb.Array && v.Kind != jsonb.Object }

func dropKey(v *jsonb.Value, key []byte) {
	v.Pairs = slices.DeleteFunc(v.Pairs, func(p jsonb.Pair) bool { return bytes.Equal(p.Key, key) })
	v.Elems = slices.DeleteFunc(v.Elems, func(e jsonb.Value) bool { return e.Kind == jsonb.String && bytes.Equal(e.Bytes, key) })
}

func addJSONBDelete(r funcs) {
	fromScalar := func(v *jsonb.Value) error {
		if jsonScalar(v) {
			return jsonParam("cannot delete from scalar")
		}
		return nil
	}
	r.jsonbOp("jsonb_delete", func(c *Call, v jsonb.Value) (jsonb.Value, error) {
		err := fromScalar(&v)
		dropKey(&v, arg(c, 1))
		return v, err
	})
	r.jsonbOp("jsonb_delete_array", func(c *Call, v jsonb.Value) (jsonb.Value, error) {
		keys, err := textsOf(c, 1)
		if err == nil {
			err = fromScalar(&v)
		}
		for _, k := range keys {
			if !k.Null {
				dropKey(&v, k.Bytes)
			}
		}
		return v, err
	})
	r.jsonbOp("jsonb_delete_idx", func(c *Call, v jsonb.Value) (jsonb.Value, error) {
		if v.Kind == jsonb.Object {
			return v, jsonParam("cannot delete from object using integer index")
		}
		i := argInt(c, 1)
		if i < 0 {
			i += len(v.Elems)
		}
		if i >= 0 && i < len(v.Elems) {
			v.Elems = slices.Delete(v.Elems, i, i+1)
		}
		return v, fromScalar(&v)
	})
	r.jsonbOp("jsonb_delete_path", func(c *Call, v jsonb.Value) (jsonb.Value, error) {
		path, null, err := pathOf(c, 1)
		if err != nil {
			return v, err
		}
		if jsonScalar(&v) {
			return v, jsonParam("cannot delete path in scalar")
		}
		if len(path) == 0 || len(v.Elems)+len(v.Pairs) == 0 {
			return v, nil
		}
		return v, pathOp{remove: true}.apply(&v, path, null, 0, nil)
	})
}

// pathOp says what happens at the end of a path.
type pathOp struct{ create, replace, after, remove bool }

func jsonbSet(c *Call, v jsonb.Value, op pathOp, val *jsonb.Value) (jsonb.Value, error) {
	path, null, err := pathOf(c, 1)
	if err != nil {
		return v, err
	}
	if jsonScalar(&v) {
		return v, jsonParam("cannot set path in scalar")
	}
	if len(path) == 0 || len(v.Elems) == 0 && len(v.Pairs) == 0 && !op.create {
		return v, nil
	}
	return v, op.apply(&v, path, null, 0, val)
}

// apply follows path from level on. A path that leads nowhere changes nothing.
func (op pathOp) apply(v *jsonb.Value, path [][]byte, null, level int, val *jsonb.Value) error {
	if jsonScalar(v) {
		return nil
	}
	if null == level+1 {
		return pgerr.New(pgerr.NullValueNotAllowed, "path element at position %d is null", level+1)
	}
	last := level == len(path)-1
	if v.Kind == jsonb.Array {
		return op.element(v, path, null, level, val)
	}
	e := v.Find(path[level])
	switch {
	case e == nil && last && op.create:
		v.Pairs = append(v.Pairs, jsonb.Pair{Key: path[level], Val: *val})
	case e == nil:
	case !last:
		return op.apply(e, path, null, level+1, val)
	case op.remove:
		dropKey(v, path[level])
	case op.replace:
		*e = *val
	default:
		return pgerr.New(pgerr.InvalidParameterValue, "cannot replace existing key").
			WithHint("Try using the function jsonb_set to replace key value.")
	}
	return nil
}

func (op pathOp) element(v *jsonb.Value, path [][]byte, null, level int, val *jsonb.Value) error {
	i, ok := jsonIndex(path[level])
	if !ok {
		return pgerr.New(pgerr.InvalidTextRepresentation, "path element at position %d is not an integer: \"%s\"", level+1, path[level])
	}
	n := len(v.Elems)
	if i < 0 {
		i += n
	}
	switch last := level == len(path)-1; {
	case i >= 0 && i < n && !last:
		return op.apply(&v.Elems[i], path, null, level+1, val)
	case !last:
	case i >= 0 && i < n && op.remove:
		v.Elems = slices.Delete(v.Elems, i, i+1)
	case i >= 0 && i < n && op.replace:
		v.Elems[i] = *val
	case i >= 0 && i < n && op.after:
		v.Elems = slices.Insert(v.Elems, i+1, *val)
	case i >= 0 && i < n:
		v.Elems = slices.Insert(v.Elems, i, *val)
	case !op.create:
	case i < 0:
		v.Elems = slices.Insert(v.Elems, 0, *val)
	default:
		v.Elems = append(v.Elems, *val)
	}
	return nil
}

// jsonbSetLax is jsonb_set whose value may be NULL; the last argument says what
// that means.
func jsonbSetLax(r funcs, c *Call) (datum.Datum, error) {
	if c.Args[0].Null || c.Args[1].Null || c.Args[3].Null {
		return datum.Null(), nil
	}
	if c.Args[4].Null {
		return datum.Null(), jsonParam("null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"")
	}
	call := func(name string, args ...datum.Datum) (datum.Datum, error) {
		k := *c
		k.Args, k.ArgTypes = args, []oid.OID{oid.JSONB, oid.TextArray, oid.JSONB, oid.Bool}
		return r[name].Scalar(&k)
	}
	if !c.Args[2].Null {
		return call("jsonb_set", c.Args[:4]...)
	}
	switch string(arg(c, 4)) {
	case "raise_exception":
		return datum.Null(), pgerr.New(pgerr.NullValueNotAllowed, "JSON value must not be null").
			WithDetail("Exception was raised because null_value_treatment is \"raise_exception\".").
			WithHint("To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.")
	case "use_json_null":
		null, err := types.JSONB(jsonb.Value{})
		if err != nil {
			return null, err
		}
		return call("jsonb_set", c.Args[0], c.Args[1], null, c.Args[3])
	case "delete_key":
		return call("jsonb_delete_path", c.Args[:2]...)
	case "return_target":
		return c.Args[0], nil
	}
	return datum.Null(), jsonParam("null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"")
}
