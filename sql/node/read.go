package node

import (
	"encoding/binary"
	"reflect"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// maxDepth bounds the nesting that Read follows.
const maxDepth = 5000

// Read parses pg_node_tree text. A top-level list comes back as a List or
// IntList; "<>" is nil.
func Read(s string) (Node, error) {
	r := &reader{s: s}
	n := r.node(0)
	if r.err == nil && r.peek() != "" {
		r.fail("trailing text")
	}
	if r.err != nil {
		return nil, r.err
	}
	return n, nil
}

type reader struct {
	s   string
	pos int
	err error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = pgerr.New(pgerr.DataCorrupted, "invalid node tree at byte %d: %s", r.pos, what)
	}
}

// token takes the next raw token, escapes still in it; "" at the end.
func (r *reader) token() string {
	for r.pos < len(r.s) && strings.IndexByte(" \n\t", r.s[r.pos]) >= 0 {
		r.pos++
	}
	start := r.pos
	for r.pos < len(r.s) {
		c := r.s[r.pos]
		switch c {
		case '(', ')', '{', '}':
			if r.pos == start {
				r.pos++
			}
			return r.s[start:r.pos]
		case ' ', '\n', '\t':
			return r.s[start:r.pos]
		case '\\':
			r.pos++
		}
		r.pos = min(r.pos+1, len(r.s))
	}
	return r.s[start:r.pos]
}

func (r *reader) peek() string {
	at := r.pos
	t := r.token()
	r.pos = at
	return t
}

func (r *reader) expect(want string) {
	if t := r.token(); t != want {
		r.fail("found " + strconv.Quote(t) + " where " + want + " should be")
	}
}

func unescape(t string) string {
	if strings.IndexByte(t, '\\') < 0 {
		return t
	}
	var b strings.Builder
	for i := 0; i < len(t); i++ {
		if t[i] == '\\' && i+1 < len(t) {
			i++
		}
		b.WriteByte(t[i])
	}
	return b.String()
}

func (r *reader) node(depth int) Node {
	if depth > maxDepth {
		r.fail("nested too deeply")
	}
	if r.err != nil {
		return nil
	}
	t := r.token()
	switch {
	case t == "<>":
		return nil
	case t == "{":
		return r.fields(depth)
	case t == "(":
		if r.peek() == "i" {
			r.token()
			var l IntList
			for r.err == nil && r.peek() != ")" {
				l = append(l, int(r.int(64)))
			}
			r.expect(")")
			return l
		}
		l := List{}
		for r.err == nil && r.peek() != ")" {
			l = append(l, r.node(depth+1))
		}
		r.expect(")")
		return l
	case len(t) >= 2 && t[0] == '"' && t[len(t)-1] == '"':
		return String(unescape(t[1 : len(t)-1]))
	}
	if i, err := strconv.Atoi(t); err == nil {
		return Integer(i)
	}
	r.fail("unexpected " + strconv.Quote(t))
	return nil
}

func (r *reader) fields(depth int) Node {
	label := r.token()
	t, ok := labels[label]
	if !ok {
		if r.err == nil {
			r.err = pgerr.NotYet("node type %q in a stored expression", label)
		}
		return nil
	}
	p := reflect.New(t)
	v := p.Elem()
	n := p.Interface().(Node)
	for r.err == nil {
		f := r.token()
		if f == "}" {
			return n
		}
		i := -1
		if strings.HasPrefix(f, ":") {
			i = fieldIndex(t, f[1:])
		}
		switch {
		case i < 0:
			r.fail("no field " + strconv.Quote(f) + " in " + label)
		case f == ":constvalue":
			r.constant(n.(*Const))
		case f == ":boolop":
			r.boolop(v.Field(i))
		default:
			r.field(v.Field(i), depth)
		}
	}
	return nil
}

func fieldIndex(t reflect.Type, name string) int {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("n") == name {
			return i
		}
	}
	return -1
}

func (r *reader) boolop(v reflect.Value) {
	t := r.token()
	for i, s := range boolOps {
		if s == t {
			v.SetInt(int64(i))
			return
		}
	}
	r.fail("boolean operator " + strconv.Quote(t))
}

func (r *reader) int(bits int) int64 {
	n, err := strconv.ParseInt(r.token(), 10, bits)
	if err != nil {
		r.fail("not an integer")
	}
	return n
}

func (r *reader) field(v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case Char:
		if t := r.token(); t != "<>" {
			if t = unescape(t); len(t) != 1 {
				r.fail("not one character")
				return
			}
			v.SetUint(uint64(t[0]))
		}
		return
	case Bitmapset:
		r.bitmapset(v)
		return
	case float64:
		f, err := strconv.ParseFloat(r.token(), 64)
		if err != nil {
			r.fail("not a number")
		}
		v.SetFloat(f)
		return
	}
	switch v.Kind() {
	case reflect.Int, reflect.Int32:
		v.SetInt(r.int(v.Type().Bits()))
	case reflect.Uint32, reflect.Uint64:
		u, err := strconv.ParseUint(r.token(), 10, v.Type().Bits())
		if err != nil {
			r.fail("not an unsigned integer")
		}
		v.SetUint(u)
	case reflect.Bool:
		v.SetBool(r.token() == "true")
	case reflect.String:
		if t := r.token(); t != "<>" {
			v.SetString(unescape(t))
		}
	case reflect.Interface, reflect.Pointer:
		n := r.node(depth + 1)
		if n == nil {
			return
		}
		if nv := reflect.ValueOf(n); nv.Type().AssignableTo(v.Type()) {
			v.Set(nv)
		} else {
			r.fail("a " + nv.Type().String() + " where " + v.Type().String() + " should be")
		}
	case reflect.Slice:
		r.slice(v, depth)
	}
}

func (r *reader) bitmapset(v reflect.Value) {
	r.expect("(")
	r.expect("b")
	var s Bitmapset
	for r.err == nil && r.peek() != ")" {
		m := r.int(32)
		if m < 0 || m > 100000 {
			r.fail("member of a set out of range")
			return
		}
		s = s.Add(int(m))
	}
	r.expect(")")
	v.Set(reflect.ValueOf(s))
}

func (r *reader) slice(v reflect.Value, depth int) {
	if t := r.token(); t == "<>" {
		return
	} else if t != "(" {
		r.fail("found " + strconv.Quote(t) + " where a list should be")
		return
	}
	switch v.Type().Elem().Kind() {
	case reflect.Int, reflect.Int32:
		r.expect("i")
	case reflect.Uint32:
		r.expect("o")
	}
	for r.err == nil && r.peek() != ")" {
		e := reflect.New(v.Type().Elem()).Elem()
		if e.Kind() == reflect.String {
			if s, ok := r.node(depth + 1).(String); ok {
				e.SetString(string(s))
			} else {
				r.fail("not a string")
			}
		} else {
			r.field(e, depth+1)
		}
		if depth > maxDepth {
			r.fail("nested too deeply")
		}
		v.Set(reflect.Append(v, e))
	}
	r.expect(")")
}

// constant reads the bytes of a Const's value; the fields that tell their
// meaning come before it.
func (r *reader) constant(c *Const) {
	t := r.token()
	if t == "<>" {
		c.Constvalue = datum.Null()
		return
	}
	n, err := strconv.Atoi(t)
	if err != nil || n < 0 {
		r.fail("length of a value")
		return
	}
	r.expect("[")
	var raw []byte
	for r.err == nil && r.peek() != "]" {
		raw = append(raw, byte(r.int(16)))
	}
	r.expect("]")
	if r.err != nil {
		return
	}
	if c.Constbyval {
		if len(raw) != 8 {
			r.fail("a value of " + strconv.Itoa(len(raw)) + " bytes")
			return
		}
		v := int64(binary.LittleEndian.Uint64(raw))
		switch c.Consttype {
		case oid.Float4:
			v = int64(uint32(v))
		case oid.Char:
			v = int64(uint8(v))
		}
		c.Constvalue = datum.Int(v)
		return
	}
	r.byReference(c, raw)
}

func (r *reader) byReference(c *Const, raw []byte) {
	switch {
	case c.Constlen == -1 && len(raw) >= 4 && raw[0]&3 == 0:
		raw = raw[4:]
	case c.Constlen == -1 && len(raw) >= 1 && raw[0]&1 == 1 && raw[0] != 1:
		raw = raw[1:]
	case c.Constlen == -2 && len(raw) >= 1:
		raw = raw[:len(raw)-1]
	case c.Constlen > 0 && len(raw) == c.Constlen:
		if c.Consttype == oid.Name {
			raw = []byte(strings.TrimRight(string(raw), "\x00"))
		}
	default:
		r.fail("a value that is not plain")
	}
	c.Constvalue = datum.Bytes(raw)
}
