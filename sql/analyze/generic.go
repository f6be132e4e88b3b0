package analyze

import (
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// Polymorphic pseudo-types that package oid does not name.
const (
	anyMultirange           oid.OID = 4537
	anyCompatibleMultirange oid.OID = 4538
	anyCompatibleRange      oid.OID = 5080
)

func polymorphic(t oid.OID) bool { return family1(t) || family2(t) }

func family1(t oid.OID) bool {
	switch t {
	case oid.AnyElement, oid.AnyArray, oid.AnyNonArray, oid.AnyEnum, oid.AnyRange, anyMultirange:
		return true
	}
	return false
}

func family2(t oid.OID) bool {
	switch t {
	case oid.AnyCompatible, oid.AnyCompatibleArray, oid.AnyCompatibleNonArray, anyCompatibleRange, anyCompatibleMultirange:
		return true
	}
	return false
}

// generics collects what the actual arguments say about one call's polymorphic
// types.
type generics struct {
	elem, array, rng, multi oid.OID // first family
	nonArray, enum          bool
	unknowns                bool
	compat                  []oid.OID // second family: candidate scalar types
	compatArray, compatNon  bool
	compatRange             oid.OID
}

func (a *analyzer) genericsConsistent(actual, declared []oid.OID) bool {
	_, msg := a.gather(actual, declared)
	return msg == nil
}

// gather matches actual types with declared polymorphic ones. The error is what
// a call of that function would say.
func (a *analyzer) gather(actual, declared []oid.OID) (*generics, *pgerr.Error) {
	g := &generics{}
	mismatch := func(format string, args ...any) *pgerr.Error {
		return pgerr.New(pgerr.DatatypeMismatch, format, args...)
	}
	alike := func(have *oid.OID, got oid.OID, name string) *pgerr.Error {
		if *have != 0 && *have != got {
			return mismatch("arguments declared \"%s\" are not all alike", name).
				WithDetail("%s versus %s", a.typeName(*have), a.typeName(got))
		}
		*have = got
		return nil
	}
	for i, d := range declared {
		if i >= len(actual) || !polymorphic(d) {
			continue
		}
		t := actual[i]
		if t == oid.Unknown {
			g.unknowns = g.unknowns || family1(d)
			g.compatArray = g.compatArray || d == oid.AnyCompatibleArray
			g.compatNon = g.compatNon || d == oid.AnyCompatibleNonArray
			continue
		}
		var err *pgerr.Error
		switch d {
		case oid.AnyElement, oid.AnyNonArray, oid.AnyEnum:
			g.nonArray = g.nonArray || d == oid.AnyNonArray
			g.enum = g.enum || d == oid.AnyEnum
			err = alike(&g.elem, t, "anyelement")
		case oid.AnyArray:
			err = alike(&g.array, a.baseType(t), "anyarray")
		case oid.AnyRange:
			err = alike(&g.rng, a.baseType(t), "anyrange")
		case anyMultirange:
			err = alike(&g.multi, a.baseType(t), "anymultirange")
		case oid.AnyCompatible, oid.AnyCompatibleNonArray:
			g.compatNon = g.compatNon || d == oid.AnyCompatibleNonArray
			g.compat = append(g.compat, t)
		case oid.AnyCompatibleArray:
			g.compatArray = true
			el := a.elemType(a.baseType(t))
			if el == 0 {
				return g, mismatch("argument declared %s is not an array but type %s", "anycompatiblearray", a.typeName(a.baseType(t)))
			}
			g.compat = append(g.compat, el)
		case anyCompatibleRange, anyCompatibleMultirange:
			bt := a.typ(a.baseType(t))
			if d == anyCompatibleMultirange && bt.Kind == 'm' {
				bt = a.typ(bt.RangeOfMulti)
			}
			if bt.Kind != 'r' {
				return g, mismatch("argument declared %s is not a range type but type %s", "anycompatiblerange", a.typeName(bt.OID))
			}
			if err = alike(&g.compatRange, bt.OID, "anycompatiblerange"); err == nil {
				g.compat = append(g.compat, bt.RangeSubtype)
			}
		}
		if err != nil {
			return g, err
		}
	}
	return g, a.settle(g)
}

// settle derives the element type from arrays and ranges and checks agreement.
func (a *analyzer) settle(g *generics) *pgerr.Error {
	mismatch := func(format string, args ...any) *pgerr.Error {
		return pgerr.New(pgerr.DatatypeMismatch, format, args...)
	}
	if g.array == oid.AnyArray { // columns of pg_statistic
		if g.elem == 0 {
			return nil
		}
	} else if g.array != 0 {
		el := a.elemType(g.array)
		if el == 0 {
			return mismatch("argument declared %s is not an array but type %s", "anyarray", a.typeName(g.array))
		}
		if g.elem == 0 {
			g.elem = el
		} else if g.elem != el {
			return mismatch("argument declared %s is not consistent with argument declared %s", "anyarray", "anyelement").
				WithDetail("%s versus %s", a.typeName(g.array), a.typeName(g.elem))
		}
	}
	if g.multi != 0 {
		t := a.typ(g.multi)
		if t.Kind != 'm' {
			return mismatch("argument declared %s is not a multirange type but type %s", "anymultirange", a.typeName(g.multi))
		}
		if g.rng == 0 {
			g.rng = t.RangeOfMulti
		} else if g.rng != t.RangeOfMulti {
			return mismatch("argument declared %s is not consistent with argument declared %s", "anymultirange", "anyrange").
				WithDetail("%s versus %s", a.typeName(g.multi), a.typeName(g.rng))
		}
	}
	if g.rng != 0 {
		t := a.typ(g.rng)
		if t.Kind != 'r' {
			return mismatch("argument declared %s is not a range type but type %s", "anyrange", a.typeName(g.rng))
		}
		if g.elem == 0 {
			g.elem = t.RangeSubtype
		} else if g.elem != t.RangeSubtype {
			return mismatch("argument declared %s is not consistent with argument declared %s", "anyrange", "anyelement").
				WithDetail("%s versus %s", a.typeName(g.rng), a.typeName(g.elem))
		}
	}
	if g.elem != 0 && g.nonArray && a.elemType(g.elem) != 0 {
		return mismatch("type matched to anynonarray is an array type: %s", a.typeName(g.elem))
	}
	if g.elem != 0 && g.enum && a.kind(g.elem) != 'e' {
		return mismatch("type matched to anyenum is not an enum type: %s", a.typeName(g.elem))
	}
	return a.settleCompatible(g)
}

func (a *analyzer) settleCompatible(g *generics) *pgerr.Error {
	if len(g.compat) == 0 {
		return nil
	}
	p := &pstate{analyzer: a}
	t := p.commonOfTypes(g.compat)
	if t == 0 {
		return pgerr.New(pgerr.DatatypeMismatch, "arguments of anycompatible family cannot be cast to a common type")
	}
	for _, in := range g.compat {
		if !a.can(in, t, node.CoercionImplicit) {
			return pgerr.New(pgerr.DatatypeMismatch, "arguments of anycompatible family cannot be cast to a common type")
		}
	}
	if g.compatNon && a.elemType(t) != 0 {
		return pgerr.New(pgerr.DatatypeMismatch, "type matched to anycompatiblenonarray is an array type: %s", a.typeName(t))
	}
	g.compat = []oid.OID{t}
	return nil
}

func (p *pstate) commonOfTypes(ts []oid.OID) oid.OID {
	exprs := make([]node.Node, len(ts))
	for i, t := range ts {
		exprs[i] = &node.CaseTestExpr{TypeId: t, TypeMod: -1}
	}
	return p.commonType(exprs, "")
}

// enforceGenerics replaces the polymorphic types in declared by actual ones, in
// place, and returns the result type.
func (p *pstate) enforceGenerics(actual, declared []oid.OID, ret oid.OID, loc int) oid.OID {
	any := polymorphic(ret)
	for _, d := range declared {
		any = any || polymorphic(d)
	}
	if !any {
		return ret
	}
	g, msg := p.gather(actual, declared)
	if msg != nil {
		p.throw(msg)
	}
	needs1 := family1(ret) || g.unknowns
	for i, d := range declared {
		needs1 = needs1 || family1(d) && i < len(actual)
	}
	if needs1 && g.elem == 0 && g.array == 0 {
		if g.unknowns || family1(ret) {
			p.fail(-1, pgerr.DatatypeMismatch, "could not determine polymorphic type because input has type %s", "unknown")
		}
	}
	compat := oid.Text
	if len(g.compat) == 1 {
		compat = g.compat[0]
	}
	actualOf := func(d oid.OID, in oid.OID) oid.OID {
		switch d {
		case oid.AnyElement, oid.AnyNonArray, oid.AnyEnum:
			return g.elem
		case oid.AnyArray:
			if g.array != 0 {
				return g.array
			}
			if arr := p.arrayOf(g.elem); arr != 0 {
				return arr
			}
			p.fail(-1, pgerr.UndefinedObject, "could not find array type for data type %s", p.typeName(g.elem))
		case oid.AnyRange:
			return g.rng
		case anyMultirange:
			if g.multi == 0 && g.rng != 0 {
				return p.typ(g.rng).Multirange
			}
			return g.multi
		case oid.AnyCompatible, oid.AnyCompatibleNonArray:
			return compat
		case oid.AnyCompatibleArray:
			return p.arrayOf(compat)
		case anyCompatibleRange:
			return g.compatRange
		case anyCompatibleMultirange:
			return p.typ(g.compatRange).Multirange
		}
		return d
	}
	for i, d := range declared {
		if polymorphic(d) {
			var in oid.OID
			if i < len(actual) {
				in = actual[i]
			}
			declared[i] = actualOf(d, in)
		}
	}
	return actualOf(ret, 0)
}
