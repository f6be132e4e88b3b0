package catalog

import (
	"fmt"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/oid"
)

// describeOther is Describe for the kinds of object that few statements name.
func (s *Session) describeOther(o Object) (string, error) {
	switch o.Class {
	case oid.RelOperator:
		r, err := s.Operator(o.ID)
		if err != nil || r == nil {
			return unknownObject("operator", o), err
		}
		t, err := s.describeOperator(r)
		return "operator " + t, err
	case oid.RelCast:
		r, err := FindRow[rows.PgCast](s, byOID(o.ID))
		if err != nil || r == nil {
			return unknownObject("cast", o), err
		}
		from, err := s.typeName(r.Row.Castsource)
		if err != nil {
			return "", err
		}
		to, err := s.typeName(r.Row.Casttarget)
		return "cast from " + from + " to " + to, err
	case oid.RelOpclass:
		r, err := s.Opclass(o.ID)
		if err != nil || r == nil {
			return unknownObject("operator class", o), err
		}
		return s.ofMethod("operator class ", r.Opcname, r.Opcnamespace, r.Opcmethod)
	case oid.RelOpfamily:
		return s.describeFamily(o.ID)
	case oid.RelAmop:
		r, err := FindRow[rows.PgAmop](s, byOID(o.ID))
		if err != nil || r == nil {
			return unknownObject("access method operator", o), err
		}
		return s.describeMember("operator", r.Row.Amopstrategy, r.Row.Amopfamily, r.Row.Amoplefttype, r.Row.Amoprighttype, Object{oid.RelOperator, r.Row.Amopopr, 0})
	case oid.RelAmproc:
		r, err := FindRow[rows.PgAmproc](s, byOID(o.ID))
		if err != nil || r == nil {
			return unknownObject("access method procedure", o), err
		}
		return s.describeMember("function", r.Row.Amprocnum, r.Row.Amprocfamily, r.Row.Amproclefttype, r.Row.Amprocrighttype, Object{oid.RelProc, r.Row.Amproc, 0})
	case oid.RelTrigger:
		r, err := FindRow[rows.PgTrigger](s, byOID(o.ID))
		if err != nil || r == nil {
			return unknownObject("trigger", o), err
		}
		return s.onRelation("trigger ", r.Row.Tgname, r.Row.Tgrelid)
	case policy:
		r, err := FindRow[rows.PgPolicy](s, byOID(o.ID))
		if err != nil || r == nil {
			return unknownObject("policy", o), err
		}
		return s.onRelation("policy ", r.Row.Polname, r.Row.Polrelid)
	case oid.RelLargeobject:
		return fmt.Sprintf("large object %d", o.ID), nil
	}
	return s.describeNamed(o)
}

const policy oid.OID = 3256 // pg_policy

func (s *Session) onRelation(kind, name string, rel oid.OID) (string, error) {
	t, err := s.describeRelation(Object{oid.RelClass, rel, 0})
	return kind + name + " on " + t, err
}

// describeOperator is an operator with the types of its operands.
func (s *Session) describeOperator(r *rows.PgOperator) (string, error) {
	name := r.Oprname
	if !s.inPath(r.Oprnamespace) {
		n, err := s.Namespace(r.Oprnamespace)
		if err != nil {
			return "", err
		}
		if n != nil {
			name = QuoteIdentifier(n.Nspname) + "." + name
		}
	}
	operand := func(t oid.OID) (string, error) {
		if t == oid.Invalid {
			return "NONE", nil
		}
		return s.typeName(t)
	}
	left, err := operand(r.Oprleft)
	if err != nil {
		return "", err
	}
	right, err := operand(r.Oprright)
	return name + "(" + left + "," + right + ")", err
}

func (s *Session) ofMethod(kind, name string, ns, am oid.OID) (string, error) {
	n, err := s.qualified(name, ns, s.inPath(ns))
	if err != nil {
		return "", err
	}
	m, err := s.Am(am)
	if err != nil || m == nil {
		return kind + n, err
	}
	return kind + n + " for access method " + m.Amname, nil
}

func (s *Session) describeFamily(id oid.OID) (string, error) {
	r, err := s.Opfamily(id)
	if err != nil || r == nil {
		return unknownObject("operator family", Object{ID: id}), err
	}
	return s.ofMethod("operator family ", r.Opfname, r.Opfnamespace, r.Opfmethod)
}

// describeMember is an operator or a function of an operator family.
func (s *Session) describeMember(kind string, n int16, family, left, right oid.OID, what Object) (string, error) {
	l, err := s.typeName(left)
	if err != nil {
		return "", err
	}
	r, err := s.typeName(right)
	if err != nil {
		return "", err
	}
	f, err := s.describeFamily(family)
	if err != nil {
		return "", err
	}
	d, err := s.Describe(what)
	for i := range d { // without the word in front
		if d[i] == ' ' {
			d = d[i+1:]
			break
		}
	}
	return fmt.Sprintf("%s %d (%s, %s) of %s: %s", kind, n, l, r, f, d), err
}
