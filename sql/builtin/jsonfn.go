package builtin

import (
	"bytes"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/jsonb"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

func addJSON(r funcs) {
	r.scalar("to_json", func(c *Call) (datum.Datum, error) { return c.json(0, false) })
	r.scalar("to_jsonb", func(c *Call) (datum.Datum, error) { return c.toJSONB(0) })
	r.scalar("array_to_json", func(c *Call) (datum.Datum, error) { return c.json(0, false) })
	r.scalar("row_to_json", func(c *Call) (datum.Datum, error) { return c.json(0, false) })
	r.scalar("array_to_json_pretty", func(c *Call) (datum.Datum, error) { return c.json(0, c.Args[1].Bool()) })
	r.scalar("row_to_json_pretty", func(c *Call) (datum.Datum, error) { return c.json(0, c.Args[1].Bool()) })
	for _, b := range []bool{false, true} {
		name := "json"
		if b {
			name = "jsonb"
		}
		r.scalar(name+"_build_array", func(c *Call) (datum.Datum, error) { return buildJSONArray(c, b) })
		r.scalar(name+"_build_array_noargs", func(c *Call) (datum.Datum, error) { return buildJSONArray(c, b) })
		r.scalar(name+"_build_object", func(c *Call) (datum.Datum, error) { return buildJSONObject(c, b) })
		r.scalar(name+"_build_object_noargs", func(c *Call) (datum.Datum, error) { return buildJSONObject(c, b) })
		r.scalar(name+"_object", func(c *Call) (datum.Datum, error) { return objectOfPairs(c, b) })
		r.scalar(name+"_object_two_arg", func(c *Call) (datum.Datum, error) { return objectOfLists(c, b) })
	}
	addJSONAccess(r)
	addJSONSets(r)
	addJSONB(r)
	addJSONBCasts(r)
}

// json is argument i as json.
func (c *Call) json(i int, pretty bool) (datum.Datum, error) {
	b, err := c.Env.AppendJSON(nil, c.ArgTypes[i], c.Args[i], pretty)
	return datum.Bytes(b), err
}

func (c *Call) toJSONB(i int) (datum.Datum, error) {
	v, err := c.Env.ToJSONB(c.ArgTypes[i], c.Args[i])
	if err != nil {
		return datum.Null(), err
	}
	return types.JSONB(v)
}

// variadicArgs are the arguments of a VARIADIC "any" function; false if the array
// of a VARIADIC call is NULL.
func (c *Call) variadicArgs() (vals []datum.Datum, typs []oid.OID, ok bool, err error) {
	if !c.Variadic || len(c.Args) == 0 {
		return c.Args, c.ArgTypes, true, nil
	}
	last := len(c.Args) - 1
	if c.Args[last].Null {
		return nil, nil, false, nil
	}
	a, _, err := parseArray(c, last)
	for range a.Elems {
		typs = append(typs, a.Type)
	}
	return a.Elems, typs, true, err
}

// jsonBuilder collects the text of a json or the value of a jsonb.
type jsonBuilder struct {
	env    *Env
	binary bool
	text   []byte
	val    jsonb.Value
}

func (b *jsonBuilder) result() (datum.Datum, error) {
	if !b.binary {
		return datum.Bytes(b.text), nil
	}
	return types.JSONB(b.val)
}

// elem adds an array's element after separator sep.
func (b *jsonBuilder) elem(sep string, t oid.OID, d datum.Datum) (err error) {
	if !b.binary {
		b.text, err = b.env.AppendJSON(append(b.text, sep...), t, d, false)
		return err
	}
	v, err := b.env.ToJSONB(t, d)
	b.val.Elems = append(b.val.Elems, v)
	return err
}

// pair adds a key and its value.
func (b *jsonBuilder) pair(sep string, key []byte, t oid.OID, d datum.Datum) (err error) {
	if !b.binary {
		b.text = append(jsonb.AppendQuoted(append(b.text, sep...), key), " : "...)
		b.text, err = b.env.AppendJSON(b.text, t, d, false)
		return err
	}
	v, err := b.env.ToJSONB(t, d)
	b.val.Pairs = append(b.val.Pairs, jsonb.Pair{Key: key, Val: v})
	return err
}

// key is the text of a value that becomes an object's key.
func (b *jsonBuilder) key(t oid.OID, d datum.Datum) ([]byte, error) {
	if !b.env.JSONKeyOK(t) {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "key value must be scalar, not array, composite, or json")
	}
	s, err := b.env.AppendJSON(nil, t, d, false)
	if err != nil || len(s) == 0 || s[0] != '"' {
		return s, err
	}
	v, err := jsonb.Parse(s, true)
	return v.Bytes, err
}

func separator(i int) string {
	if i == 0 {
		return ""
	}
	return ", "
}

func buildJSONArray(c *Call, binary bool) (datum.Datum, error) {
	b := jsonBuilder{env: c.Env, binary: binary, text: []byte{'['}, val: jsonb.Value{Kind: jsonb.Array}}
	vals, typs, ok, err := c.variadicArgs()
	if !ok || err != nil {
		return datum.Null(), err
	}
	for i := range vals {
		if err := b.elem(separator(i), typs[i], vals[i]); err != nil {
			return datum.Null(), err
		}
	}
	b.text = append(b.text, ']')
	return b.result()
}

func buildJSONObject(c *Call, binary bool) (datum.Datum, error) {
	b := jsonBuilder{env: c.Env, binary: binary, text: []byte{'{'}, val: jsonb.Value{Kind: jsonb.Object}}
	vals, typs, ok, err := c.variadicArgs()
	if !ok || err != nil {
		return datum.Null(), err
	}
	if len(vals)%2 != 0 {
		name := "json_build_object()"
		if binary {
			name = "jsonb_build_object()"
		}
		return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, "argument list must have even number of elements").
			WithHint("The arguments of %s must consist of alternating keys and values.", name)
	}
	for i := 0; i < len(vals); i += 2 {
		if vals[i].Null {
			if binary {
				return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, "argument %d: key must not be null", i+1)
			}
			return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, "argument %d cannot be null", i+1).WithHint("Object keys should be text.")
		}
		key, err := b.key(typs[i], vals[i])
		if err != nil {
			return datum.Null(), err
		}
		if err := b.pair(separator(i), key, typs[i+1], vals[i+1]); err != nil {
			return datum.Null(), err
		}
	}
	b.text = append(b.text, '}')
	return b.result()
}

// objectOf makes an object of texts.
func objectOf(c *Call, binary bool, keys, vals []datum.Datum) (datum.Datum, error) {
	b := jsonBuilder{env: c.Env, binary: binary, text: []byte{'{'}, val: jsonb.Value{Kind: jsonb.Object}}
	for i := range keys {
		if keys[i].Null {
			return datum.Null(), pgerr.New(pgerr.NullValueNotAllowed, "null value not allowed for object key")
		}
		if err := b.pair(separator(i), keys[i].Bytes, oid.Text, vals[i]); err != nil {
			return datum.Null(), err
		}
	}
	b.text = append(b.text, '}')
	return b.result()
}

func wrongSubscripts() error {
	return pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts")
}

func objectOfPairs(c *Call, binary bool) (datum.Datum, error) {
	a, _, err := parseArray(c, 0)
	if err != nil {
		return datum.Null(), err
	}
	switch len(a.Dims) {
	case 0:
	case 1:
		if len(a.Elems)%2 != 0 {
			return datum.Null(), pgerr.New(pgerr.ArraySubscriptError, "array must have even number of elements")
		}
	case 2:
		if a.Dims[1].Len != 2 {
			return datum.Null(), pgerr.New(pgerr.ArraySubscriptError, "array must have two columns")
		}
	default:
		return datum.Null(), wrongSubscripts()
	}
	var keys, vals []datum.Datum
	for i := 0; i+1 < len(a.Elems); i += 2 {
		keys, vals = append(keys, a.Elems[i]), append(vals, a.Elems[i+1])
	}
	return objectOf(c, binary, keys, vals)
}

func objectOfLists(c *Call, binary bool) (datum.Datum, error) {
	k, _, err := parseArray(c, 0)
	if err != nil {
		return datum.Null(), err
	}
	v, _, err := parseArray(c, 1)
	switch {
	case err != nil:
		return datum.Null(), err
	case len(k.Dims) > 1 || len(k.Dims) != len(v.Dims):
		return datum.Null(), wrongSubscripts()
	case len(k.Elems) != len(v.Elems):
		return datum.Null(), pgerr.New(pgerr.ArraySubscriptError, "mismatched array dimensions")
	}
	return objectOf(c, binary, k.Elems, v.Elems)
}

// jsonAgg is json_agg, jsonb_agg and their objects.
type jsonAgg struct {
	b      jsonBuilder
	call   *AggCall
	object bool
	n      int
}

func (s *jsonAgg) Step(a []datum.Datum) error {
	for i := range a {
		a[i] = a[i].Clone()
	}
	sep := separator(s.n)
	if s.object {
		if a[0].Null {
			return pgerr.New(pgerr.InvalidParameterValue, "field name must not be null")
		}
		key, err := s.b.key(s.call.ArgTypes[0], a[0])
		if err != nil {
			return err
		}
		s.n++
		return s.b.pair(sep, key, s.call.ArgTypes[1], a[1])
	}
	if s.n > 0 && !a[0].Null && s.b.env.JSONIsNested(s.call.ArgTypes[0]) {
		sep += "\n "
	}
	s.n++
	return s.b.elem(sep, s.call.ArgTypes[0], a[0])
}

func (s *jsonAgg) Final() (datum.Datum, error) {
	if s.n == 0 {
		return datum.Null(), nil
	}
	b := s.b
	if !b.binary {
		end := "]"
		if s.object {
			end = " }"
		}
		b.text = append(bytes.Clone(b.text), end...)
	}
	return b.result()
}

func addJSONAggs(add func(trans, final string, f func(c *AggCall) AggState)) {
	for _, t := range []string{"json", "jsonb"} {
		binary := t == "jsonb"
		add(t+"_agg_transfn", t+"_agg_finalfn", func(c *AggCall) AggState {
			return &jsonAgg{call: c, b: jsonBuilder{env: c.Env, binary: binary, text: []byte{'['}, val: jsonb.Value{Kind: jsonb.Array}}}
		})
		add(t+"_object_agg_transfn", t+"_object_agg_finalfn", func(c *AggCall) AggState {
			return &jsonAgg{call: c, object: true, b: jsonBuilder{env: c.Env, binary: binary, text: []byte("{ "), val: jsonb.Value{Kind: jsonb.Object}}}
		})
	}
}

// pathOf reads a text[] path; false if an element is NULL.
func pathOf(c *Call, i int) (path [][]byte, null int, err error) {
	a, _, err := parseArray(c, i)
	if err != nil {
		return nil, 0, err
	}
	if len(a.Dims) > 1 {
		return nil, 0, wrongSubscripts()
	}
	for k, d := range a.Elems {
		if d.Null && null == 0 {
			null = k + 1
		}
		path = append(path, d.Bytes)
	}
	return path, null, nil
}

func textsOf(c *Call, i int) ([]datum.Datum, error) {
	a, _, err := parseArray(c, i)
	if err == nil && len(a.Dims) > 1 {
		err = wrongSubscripts()
	}
	return a.Elems, err
}
