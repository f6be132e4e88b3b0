package node

import (
	"bytes"
	"reflect"

	"github.com/pgmini/pgmini/datum"
)

// Equal tells whether a and b mean the same: locations, forms of casts and
// syntactic origins of columns are ignored, as is a function OID that is not
// known yet on one side.
func Equal(a, b Node) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	return va.Type() == vb.Type() && equalValues(va, vb)
}

func equalValues(a, b reflect.Value) bool {
	switch x := a.Interface().(type) {
	case Location, CoercionForm:
		return true
	case datum.Datum:
		y := b.Interface().(datum.Datum)
		return x.Null == y.Null && x.Int == y.Int && bytes.Equal(x.Bytes, y.Bytes)
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() && b.IsNil()
		}
		a, b = a.Elem(), b.Elem()
		return a.Type() == b.Type() && equalValues(a, b)
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !equalValues(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		return equalStructs(a, b)
	}
	return a.Equal(b)
}

func equalStructs(a, b reflect.Value) bool {
	t := a.Type()
	for i := range t.NumField() {
		switch t.Field(i).Name {
		case "Varnosyn", "Varattnosyn", "ArrayType", "QueryId":
			continue
		case "Opfuncid", "Hashfuncid", "Negfuncid":
			if a.Field(i).Uint() == 0 || b.Field(i).Uint() == 0 {
				continue
			}
		}
		if !equalValues(a.Field(i), b.Field(i)) {
			return false
		}
	}
	return true
}
