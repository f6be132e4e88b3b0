// Package jsonb is JSON in memory, as text, and in PostgreSQL's binary form, the
// payload of a jsonb datum (PostgreSQL 15, src/include/utils/jsonb.h):
//
//	container: uint32 count and flags, entries, then the bytes of the children
//	entry:     uint32 type and length, or, in every 32nd, the end offset
//
// INV-JSB-1: no text and no payload, however damaged, makes a function of this
// package panic or allocate more than a small multiple of its length.
// Enforced: Parse, Decode. Tested: FuzzJSON.
package jsonb

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/pgmini/pgmini/datum/numeric"
)

// Kind is what a value is. The order is that of comparison.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	String
	Number
	Bool
	Array
	Object
)

// Value is a JSON value. Bytes are a string's text or a number's: the digits when
// it was parsed, the payload of a numeric when it was decoded (see Text).
type Value struct {
	Kind  Kind
	True  bool
	Bytes []byte
	Elems []Value
	Pairs []Pair
	// Raw is the text that a parsed value was read from.
	Raw []byte
	// Num holds a number decoded from the binary form, or normalized for it.
	Num []byte
}

// Pair is a key and its value.
type Pair struct {
	Key []byte
	Val Value
}

// Text makes a string value.
func Text(s []byte) Value { return Value{Kind: String, Bytes: s} }

// Boolean makes a bool value.
func Boolean(b bool) Value { return Value{Kind: Bool, True: b} }

// Numeric makes a number of a numeric's payload.
func Numeric(payload []byte) Value { return Value{Kind: Number, Num: payload} }

// TypeName is what jsonb_typeof prints.
func (v *Value) TypeName() string {
	return [...]string{"null", "string", "number", "boolean", "array", "object"}[v.Kind]
}

// Find returns the value of a key; the last of several.
func (v *Value) Find(key []byte) *Value {
	for i := len(v.Pairs) - 1; i >= 0 && v.Kind == Object; i-- {
		if bytes.Equal(v.Pairs[i].Key, key) {
			return &v.Pairs[i].Val
		}
	}
	return nil
}

// At returns element i, counted from the end if it is negative.
func (v *Value) At(i int) *Value {
	if i < 0 {
		i += len(v.Elems)
	}
	if v.Kind != Array || i < 0 || i >= len(v.Elems) {
		return nil
	}
	return &v.Elems[i]
}

// compareKeys is the order that an object's keys are stored in.
func compareKeys(a, b []byte) int {
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	return bytes.Compare(a, b)
}

// Normalize gives an object the form of jsonb: keys in order, each once, the last
// of equal ones. It works through all levels and turns numbers into numerics.
func (v *Value) Normalize() error {
	switch v.Kind {
	case Number:
		if v.Num == nil {
			n, err := numeric.Parse(string(v.Bytes))
			if err != nil {
				return err
			}
			if v.Num, err = n.Encode(); err != nil {
				return err
			}
		}
	case Array:
		for i := range v.Elems {
			if err := v.Elems[i].Normalize(); err != nil {
				return err
			}
		}
	case Object:
		for i := range v.Pairs {
			if err := v.Pairs[i].Val.Normalize(); err != nil {
				return err
			}
		}
		v.Pairs = unique(v.Pairs)
	}
	return nil
}

func unique(p []Pair) []Pair {
	slices.SortStableFunc(p, func(a, b Pair) int { return compareKeys(a.Key, b.Key) })
	out := p[:0]
	for i := range p {
		if n := len(out); n > 0 && bytes.Equal(out[n-1].Key, p[i].Key) {
			out[n-1] = p[i]
			continue
		}
		out = append(out, p[i])
	}
	return out
}

// Compare orders values as jsonb's btree operators do.
func Compare(a, b *Value) int { return compare(a, b, true) }

// compare: an empty array that is the whole value comes before everything.
func compare(a, b *Value, top bool) int {
	emptyArray := func(v *Value) bool { return v.Kind == Array && len(v.Elems) == 0 }
	if a.Kind != b.Kind {
		scalar := func(v *Value) bool { return v.Kind != Array && v.Kind != Object }
		switch {
		case top && emptyArray(a) && scalar(b):
			return -1
		case top && emptyArray(b) && scalar(a):
			return 1
		}
		return cmp.Compare(a.Kind, b.Kind)
	}
	switch a.Kind {
	case String:
		return bytes.Compare(a.Bytes, b.Bytes)
	case Number:
		return numeric.Compare(a.Num, b.Num)
	case Bool:
		switch {
		case a.True == b.True:
			return 0
		case b.True:
			return -1
		}
		return 1
	case Array:
		if c := cmp.Compare(len(a.Elems), len(b.Elems)); c != 0 {
			return c
		}
		for i := range a.Elems {
			if c := compare(&a.Elems[i], &b.Elems[i], false); c != 0 {
				return c
			}
		}
	case Object:
		if c := cmp.Compare(len(a.Pairs), len(b.Pairs)); c != 0 {
			return c
		}
		for i := range a.Pairs {
			if c := bytes.Compare(a.Pairs[i].Key, b.Pairs[i].Key); c != 0 {
				return c
			}
			if c := compare(&a.Pairs[i].Val, &b.Pairs[i].Val, false); c != 0 {
				return c
			}
		}
	}
	return 0
}

// Contains reports a @> b. The whole of a may be an array that holds the scalar b.
func Contains(a, b *Value) bool {
	scalar := b.Kind != Array && b.Kind != Object
	if a.Kind == Array && scalar {
		return contains(a, &Value{Kind: Array, Elems: []Value{*b}})
	}
	return contains(a, b)
}

func contains(a, b *Value) bool {
	switch {
	case a.Kind != b.Kind:
		return false
	case a.Kind == Object:
		for i := range b.Pairs {
			v := a.Find(b.Pairs[i].Key)
			if v == nil || !contains(v, &b.Pairs[i].Val) {
				return false
			}
		}
		return true
	case a.Kind == Array:
		for i := range b.Elems {
			if !slices.ContainsFunc(a.Elems, func(e Value) bool { return contains(&e, &b.Elems[i]) }) {
				return false
			}
		}
		return true
	}
	return compare(a, b, false) == 0
}
