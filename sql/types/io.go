package types

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// InFunc reads the text form. s is without NUL; the result may alias it. elem is
// what PostgreSQL passes as typioparam: the element type of an array, else the
// type itself. typmod -1: none.
type InFunc func(e *Env, s []byte, elem oid.OID, typmod int32) (datum.Datum, error)

// OutFunc appends the text form (or, as a send function, the binary form) of a
// value that is not NULL to dst.
type OutFunc func(e *Env, dst []byte, d datum.Datum) ([]byte, error)

// RecvFunc reads the binary form: b is the whole value. The result may alias b.
type RecvFunc func(e *Env, b []byte, elem oid.OID, typmod int32) (datum.Datum, error)

// Type finds a type: the catalog first, so that it sees user types, then the
// built-in table.
func (e *Env) Type(t oid.OID) (TypeInfo, bool) {
	if ti, ok := builtIn[t]; ok {
		return ti, true
	}
	if e != nil && e.Catalog != nil {
		return e.Catalog.Type(t)
	}
	return TypeInfo{}, false
}

// BuiltIn finds a type of pg_catalog by OID.
func BuiltIn(t oid.OID) (TypeInfo, bool) {
	ti, ok := builtIn[t]
	return ti, ok
}

func (e *Env) mustType(t oid.OID) (TypeInfo, error) {
	ti, ok := e.Type(t)
	if !ok {
		return ti, pgerr.New(pgerr.InternalError, "cache lookup failed for type %d", t)
	}
	return ti, nil
}

// ioParam is what PostgreSQL hands to an input function as typioparam.
func (ti *TypeInfo) ioParam() oid.OID {
	if ti.Elem != 0 {
		return ti.Elem
	}
	return ti.OID
}

// IsArray reports a true array type (varlena, subscripted by array rules).
func (ti *TypeInfo) IsArray() bool {
	return ti.Elem != 0 && ti.Len == -1 && ti.Subscript == "array_subscript_handler"
}

// Input reads the text form of type t.
func (e *Env) Input(t oid.OID, s []byte, typmod int32) (datum.Datum, error) {
	ti, err := e.mustType(t)
	if err != nil {
		return datum.Null(), err
	}
	f, ok := In(ti.In)
	if !ok {
		return datum.Null(), pgerr.NotYet("input of type %s", ti.Name)
	}
	return f(e, s, ti.ioParam(), typmod)
}

// Output appends the text form of d, of type t, not NULL, to dst.
func (e *Env) Output(dst []byte, t oid.OID, d datum.Datum) ([]byte, error) {
	f, err := e.OutputFunc(t)
	if err != nil {
		return dst, err
	}
	return f(e, dst, d)
}

// OutputFunc finds the output function of t once for many values.
func (e *Env) OutputFunc(t oid.OID) (OutFunc, error) {
	ti, err := e.mustType(t)
	if err != nil {
		return nil, err
	}
	f, ok := Out(ti.Out)
	if !ok {
		return nil, pgerr.NotYet("output of type %s", ti.Name)
	}
	return f, nil
}

// InputFunc finds the input function of t, and its typioparam.
func (e *Env) InputFunc(t oid.OID) (InFunc, oid.OID, error) {
	ti, err := e.mustType(t)
	if err != nil {
		return nil, 0, err
	}
	f, ok := In(ti.In)
	if !ok {
		return nil, 0, pgerr.NotYet("input of type %s", ti.Name)
	}
	return f, ti.ioParam(), nil
}

// SendFunc finds the send function of t.
func (e *Env) SendFunc(t oid.OID) (OutFunc, error) {
	ti, err := e.mustType(t)
	if err != nil {
		return nil, err
	}
	if ti.Send == "" {
		return nil, pgerr.New(pgerr.UndefinedFunction, "no binary output function available for type %s", e.FormatType(t, -1))
	}
	f, ok := Send(ti.Send)
	if !ok {
		return nil, pgerr.NotYet("binary output of type %s", ti.Name)
	}
	return f, nil
}

// Send appends the binary form of d to dst.
func (e *Env) Send(dst []byte, t oid.OID, d datum.Datum) ([]byte, error) {
	f, err := e.SendFunc(t)
	if err != nil {
		return dst, err
	}
	return f(e, dst, d)
}

// Recv reads the binary form of type t.
func (e *Env) Recv(t oid.OID, b []byte, typmod int32) (datum.Datum, error) {
	ti, err := e.mustType(t)
	if err != nil {
		return datum.Null(), err
	}
	if ti.Recv == "" {
		return datum.Null(), pgerr.New(pgerr.UndefinedFunction, "no binary input function available for type %s", e.FormatType(t, -1))
	}
	f, ok := Recv(ti.Recv)
	if !ok {
		return datum.Null(), pgerr.NotYet("binary input of type %s", ti.Name)
	}
	return f(e, b, ti.ioParam(), typmod)
}

// Text is the text form as a string; for messages.
func (e *Env) Text(t oid.OID, d datum.Datum) (string, error) {
	b, err := e.Output(nil, t, d)
	return string(b), err
}

// badText is PostgreSQL's answer to a text that a type does not read.
func badText(typ string, s []byte) error {
	return pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type %s: \"%s\"", typ, s)
}

func badRange(typ string, s []byte) error {
	return pgerr.New(pgerr.NumericValueOutOfRange, "value \"%s\" is out of range for type %s", s, typ)
}

// shortMessage: a binary value has fewer bytes than its type needs.
func shortMessage() error {
	return pgerr.New(pgerr.ProtocolViolation, "insufficient data left in message")
}

// longMessage: a binary value has more bytes than its type reads.
func longMessage() error {
	return pgerr.New(pgerr.InvalidBinaryRepresentation, "incorrect binary data format")
}

// exact checks the length of a fixed binary form.
func exact(b []byte, n int) error {
	switch {
	case len(b) < n:
		return shortMessage()
	case len(b) > n:
		return longMessage()
	}
	return nil
}

func trimSpace(s []byte) []byte {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func lowerASCII(s []byte) string {
	b := make([]byte, len(s))
	for i, c := range s {
		b[i] = lowerByte(c)
	}
	return string(b)
}

// AllBuiltIn lists the types of pg_catalog.
func AllBuiltIn() []TypeInfo {
	out := make([]TypeInfo, 0, len(builtIn))
	for _, t := range builtIn {
		out = append(out, t)
	}
	return out
}
