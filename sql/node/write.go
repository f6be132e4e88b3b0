package node

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strconv"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

// Write is the text of n as PostgreSQL 15 stores it (pg_node_tree). nil is "<>".
func Write(n Node) string { return string(writeNode(nil, n)) }

// WriteList is the text of a list of nodes; an empty one is "<>".
func WriteList(l []Node) string { return string(writeField(nil, reflect.ValueOf(l))) }

func writeNode(b []byte, n Node) []byte {
	switch x := n.(type) {
	case nil:
		return append(b, "<>"...)
	case List:
		return writeField(b, reflect.ValueOf([]Node(x)))
	case IntList:
		return writeField(b, reflect.ValueOf([]int(x)))
	case String:
		b = append(b, '"')
		if x != "" {
			b = writeToken(b, string(x))
		}
		return append(b, '"')
	case Integer:
		return strconv.AppendInt(b, int64(x), 10)
	}
	v := reflect.ValueOf(n).Elem()
	label, ok := labelOf[v.Type()]
	if !ok {
		return append(b, "<>"...)
	}
	b = append(append(b, '{'), label...)
	t := v.Type()
	for i := range t.NumField() {
		name := t.Field(i).Tag.Get("n")
		if name == "-" || !written(n, name) {
			continue
		}
		b = append(append(append(b, " :"...), name...), ' ')
		switch {
		case name == "constvalue":
			b = writeConst(b, n.(*Const))
		case name == "boolop":
			b = append(b, boolOps[v.Field(i).Int()]...)
		default:
			b = writeField(b, v.Field(i))
		}
	}
	return append(b, '}')
}

// constant
var boolOps = [...]string{"and", "or", "not"}

// rteFields tells which kinds of range table entries carry a field; fields not
// listed are in all.
//
// constant
var rteFields = map[string][]RTEKind{
	"relid": {RTERelation, RTENamedTuplestore}, "relkind": {RTERelation}, "rellockmode": {RTERelation},
	"tablesample": {RTERelation}, "subquery": {RTESubquery}, "security_barrier": {RTESubquery},
	"jointype": {RTEJoin}, "joinmergedcols": {RTEJoin}, "joinaliasvars": {RTEJoin}, "joinleftcols": {RTEJoin},
	"joinrightcols": {RTEJoin}, "join_using_alias": {RTEJoin}, "functions": {RTEFunction},
	"funcordinality": {RTEFunction}, "tablefunc": {RTETableFunc}, "values_lists": {RTEValues},
	"ctename": {RTECTE}, "ctelevelsup": {RTECTE}, "self_reference": {RTECTE},
	"coltypes":      {RTEValues, RTECTE, RTENamedTuplestore},
	"coltypmods":    {RTEValues, RTECTE, RTENamedTuplestore},
	"colcollations": {RTEValues, RTECTE, RTENamedTuplestore},
	"enrname":       {RTENamedTuplestore}, "enrtuples": {RTENamedTuplestore},
}

func written(n Node, field string) bool {
	r, ok := n.(*RangeTblEntry)
	if !ok {
		return true
	}
	kinds, ok := rteFields[field]
	if !ok {
		return true
	}
	for _, k := range kinds {
		if k == r.Rtekind {
			return true
		}
	}
	return false
}

// constant
var nodeType = reflect.TypeFor[Node]()

func writeField(b []byte, v reflect.Value) []byte {
	switch x := v.Interface().(type) {
	case Char:
		if x == 0 {
			return append(b, "<>"...)
		}
		return writeToken(b, string([]byte{byte(x)}))
	case Bitmapset:
		b = append(b, "(b"...)
		for m := range x.All {
			b = strconv.AppendInt(append(b, ' '), int64(m), 10)
		}
		return append(b, ')')
	case float64:
		return strconv.AppendFloat(b, x, 'f', 2, 64)
	}
	switch v.Kind() {
	case reflect.Int, reflect.Int32:
		return strconv.AppendInt(b, v.Int(), 10)
	case reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(b, v.Uint(), 10)
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case reflect.String:
		return writeToken(b, v.String())
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return append(b, "<>"...)
		}
		return writeNode(b, v.Interface().(Node))
	case reflect.Slice:
		return writeSlice(b, v)
	}
	panic(fmt.Sprintf("node: no text form for a field of type %s", v.Type()))
}

func writeSlice(b []byte, v reflect.Value) []byte {
	if v.Len() == 0 {
		return append(b, "<>"...)
	}
	b = append(b, '(')
	switch v.Type().Elem().Kind() {
	case reflect.Int, reflect.Int32:
		b = append(b, 'i')
		for i := range v.Len() {
			b = strconv.AppendInt(append(b, ' '), v.Index(i).Int(), 10)
		}
	case reflect.Uint32:
		b = append(b, 'o')
		for i := range v.Len() {
			b = strconv.AppendUint(append(b, ' '), v.Index(i).Uint(), 10)
		}
	default:
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ' ')
			}
			if e := v.Index(i); e.Kind() == reflect.String {
				b = writeNode(b, String(e.String()))
			} else {
				b = writeField(b, e)
			}
		}
	}
	return append(b, ')')
}

// writeToken escapes what the reader would take for structure.
func writeToken(b []byte, s string) []byte {
	if s == "" {
		return append(b, "<>"...)
	}
	digit := func(i int) bool { return i < len(s) && s[i] >= '0' && s[i] <= '9' }
	if s[0] == '<' || s[0] == '"' || digit(0) ||
		(s[0] == '+' || s[0] == '-') && (digit(1) || len(s) > 1 && s[1] == '.') {
		b = append(b, '\\')
	}
	for i := range len(s) {
		switch s[i] {
		case ' ', '\n', '\t', '(', ')', '{', '}', '\\':
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return b
}

// writeConst writes the value as its bytes in memory, each a signed char.
func writeConst(b []byte, c *Const) []byte {
	if c.Constisnull {
		return append(b, "<>"...)
	}
	if c.Constbyval {
		v := c.Constvalue.Int
		switch c.Consttype {
		case oid.Float4:
			v = int64(int32(v))
		case oid.Char:
			v = int64(int8(v))
		}
		var raw [8]byte
		binary.LittleEndian.PutUint64(raw[:], uint64(v))
		return writeBytes(b, c.Constlen, raw[:])
	}
	raw := datumBytes(c.Constvalue, c.Constlen)
	return writeBytes(b, len(raw), raw)
}

// datumBytes is a by-reference value as PostgreSQL holds it in memory.
func datumBytes(d datum.Datum, typlen int) []byte {
	switch {
	case typlen == -1:
		raw := binary.LittleEndian.AppendUint32(nil, uint32(len(d.Bytes)+4)<<2)
		return append(raw, d.Bytes...)
	case typlen == -2:
		return append(append([]byte(nil), d.Bytes...), 0)
	}
	raw := make([]byte, typlen)
	copy(raw, d.Bytes)
	return raw
}

func writeBytes(b []byte, n int, raw []byte) []byte {
	b = append(strconv.AppendInt(b, int64(n), 10), " [ "...)
	for _, c := range raw {
		b = append(strconv.AppendInt(b, int64(int8(c)), 10), ' ')
	}
	return append(b, ']')
}
