package analyze

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// path is a way from one type to another (PostgreSQL: CoercionPathType).
type path int

const (
	pathNone path = iota
	pathFunc
	pathRelabel
	pathArray
	pathIO
)

// findPath is the pathway rule over pg_cast.
func (a *analyzer) findPath(target, source oid.OID, ctx node.CoercionContext) (path, oid.OID) {
	target, source = a.baseType(target), a.baseType(source)
	if source == target {
		return pathRelabel, 0
	}
	if c := must(a.cat.Cast(source, target)); c != nil {
		need := node.CoercionExplicit
		switch c.Context {
		case 'i':
			need = node.CoercionImplicit
		case 'a':
			need = node.CoercionAssignment
		}
		if ctx < need {
			return pathNone, 0
		}
		switch c.Method {
		case 'f':
			return pathFunc, c.Func
		case 'i':
			return pathIO, 0
		}
		return pathRelabel, 0
	}
	if target != oid.OidVector && target != oid.Int2Vector {
		te, se := a.elemType(target), a.elemType(source)
		if te != 0 && se != 0 {
			if p, _ := a.findPath(te, se, ctx); p != pathNone {
				return pathArray, 0
			}
		}
	}
	if ctx >= node.CoercionAssignment && a.category(target) == 'S' ||
		ctx >= node.CoercionExplicit && a.category(source) == 'S' {
		return pathIO, 0
	}
	return pathNone, 0
}

func (a *analyzer) category(id oid.OID) byte {
	if t := must(a.cat.Type(id)); t != nil {
		return t.Category
	}
	return 0
}

func (a *analyzer) preferred(id oid.OID) bool {
	t := must(a.cat.Type(id))
	return t != nil && t.Preferred
}

// composite tells whether id is a named row type.
func (a *analyzer) composite(id oid.OID) bool {
	if id == oid.Record || id == 0 {
		return false
	}
	t := must(a.cat.Type(a.baseType(id)))
	return t != nil && t.Kind == 'c'
}

func (a *analyzer) rowType(id oid.OID) bool { return id == oid.Record || a.composite(id) }

// binaryCoercible tells whether src needs no work to be target.
func (a *analyzer) binaryCoercible(src, target oid.OID) bool {
	if src == target || target == oid.Any || target == oid.AnyElement || target == oid.AnyCompatible {
		return true
	}
	src = a.baseType(src)
	if src == target {
		return true
	}
	switch target {
	case oid.AnyArray, oid.AnyCompatibleArray:
		return a.elemType(src) != 0
	case oid.AnyNonArray, oid.AnyCompatibleNonArray:
		return a.elemType(src) == 0
	case oid.AnyEnum:
		return a.kind(src) == 'e'
	case oid.AnyRange, anyCompatibleRange:
		return a.kind(src) == 'r'
	case anyMultirange, anyCompatibleMultirange:
		return a.kind(src) == 'm'
	case oid.Record:
		return a.composite(src)
	case oid.RecordArray:
		return a.composite(a.elemType(src))
	}
	c := must(a.cat.Cast(src, target))
	return c != nil && c.Method == 'b' && c.Context == 'i'
}

func (a *analyzer) kind(id oid.OID) byte {
	if t := must(a.cat.Type(id)); t != nil {
		return t.Kind
	}
	return 0
}

// canCoerce tells whether every input can become its target.
func (a *analyzer) canCoerce(input, target []oid.OID, ctx node.CoercionContext) bool {
	generics := false
	for i, in := range input {
		to := target[i]
		switch {
		case in == to, to == oid.Any:
			continue
		case polymorphic(to):
			generics = true
			continue
		case in == oid.Unknown:
			continue
		}
		if p, _ := a.findPath(to, in, ctx); p != pathNone {
			continue
		}
		switch {
		case in == oid.Record && a.composite(to), to == oid.Record && a.composite(in):
			continue
		case to == oid.RecordArray && a.composite(a.elemType(in)):
			continue
		case a.inherits(in, to):
			continue
		}
		return false
	}
	return !generics || a.genericsConsistent(input, target)
}

func (a *analyzer) can(in, to oid.OID, ctx node.CoercionContext) bool {
	return a.canCoerce([]oid.OID{in}, []oid.OID{to}, ctx)
}

func (a *analyzer) inherits(child, parent oid.OID) bool {
	c, p := must(a.cat.Type(a.baseType(child))), must(a.cat.Type(parent))
	if c == nil || p == nil || c.RelID == 0 || p.RelID == 0 {
		return false
	}
	return must(a.cat.IsInheritedFrom(c.RelID, p.RelID))
}

// coerceTo is coerce_to_target_type: nil if there is no way.
func (p *pstate) coerceTo(e node.Node, from, to oid.OID, mod int32, ctx node.CoercionContext, form node.CoercionForm, loc int) node.Node {
	if !p.can(from, to, ctx) {
		return nil
	}
	orig := e
	for {
		c, ok := e.(*node.CollateExpr)
		if !ok {
			break
		}
		e = c.Arg
	}
	r := p.coerce(e, from, to, mod, ctx, form, loc)
	_, isConst := r.(*node.Const)
	r = p.coerceMod(r, to, mod, ctx, form, loc, r != e && !isConst)
	if orig != e && p.typ(to).Collation != 0 {
		c := *orig.(*node.CollateExpr)
		c.Arg = r
		r = &c
	}
	return r
}

// coerce is coerce_type: the caller has checked that there is a way.
func (p *pstate) coerce(e node.Node, from, to oid.OID, mod int32, ctx node.CoercionContext, form node.CoercionForm, loc int) node.Node {
	if to == from || e == nil || to == oid.Any || to == oid.AnyElement || to == oid.AnyNonArray ||
		to == oid.AnyCompatible || to == oid.AnyCompatibleNonArray {
		return e
	}
	if to == oid.AnyArray || to == oid.AnyEnum || to == oid.AnyRange || to == anyMultirange ||
		to == oid.AnyCompatibleArray || to == anyCompatibleRange || to == anyCompatibleMultirange {
		if from != oid.Unknown {
			if b := p.baseType(from); b != from {
				return &node.RelabelType{Arg: e, Resulttype: b, Resulttypmod: -1, Relabelformat: form, Location: node.Location(loc)}
			}
			return e
		}
	}
	if c, ok := e.(*node.Const); ok && from == oid.Unknown {
		return p.coerceLiteral(c, to, mod, ctx, form, loc)
	}
	if q, ok := e.(*node.Param); ok && p.params != nil {
		if r := p.coerceParam(q, to, loc); r != nil {
			return r
		}
	}
	if c, ok := e.(*node.CollateExpr); ok {
		r := p.coerce(c.Arg, from, to, mod, ctx, form, loc)
		if p.typ(to).Collation == 0 {
			return r
		}
		n := *c
		n.Arg = r
		return &n
	}
	way, fn := p.findPath(to, from, ctx)
	if way != pathNone {
		if way != pathRelabel {
			base, bmod := p.baseTypeMod(to, mod)
			r := p.buildCoercion(e, way, fn, base, bmod, ctx, form, loc)
			if to != base {
				r = p.toDomain(r, base, bmod, to, ctx, form, loc, true)
			}
			return r
		}
		if r := p.toDomainOf(e, to, ctx, form, loc); r != e {
			return r
		}
		return &node.RelabelType{Arg: e, Resulttype: to, Resulttypmod: -1, Relabelformat: form, Location: node.Location(loc)}
	}
	switch {
	case from == oid.Record && p.composite(to):
		return p.recordToComposite(e, to, ctx, form, loc)
	case to == oid.Record && p.composite(from), to == oid.RecordArray:
		return e
	case p.inherits(from, to):
		return &node.ConvertRowtypeExpr{Arg: e, Resulttype: to, Convertformat: form, Location: node.Location(loc)}
	}
	p.fail(loc, pgerr.InternalError, "failed to find conversion function from %s to %s", p.typeName(from), p.typeName(to))
	return nil
}

// coerceLiteral converts an untyped literal now, by the type's input function.
func (p *pstate) coerceLiteral(c *node.Const, to oid.OID, mod int32, ctx node.CoercionContext, form node.CoercionForm, loc int) node.Node {
	base, bmod := p.baseTypeMod(to, mod)
	inmod := int32(-1)
	if base == oid.Interval {
		inmod = bmod
	}
	t := p.typ(base)
	n := &node.Const{Consttype: base, Consttypmod: inmod, Constcollid: t.Collation, Constlen: int(t.Len),
		Constbyval: t.ByVal, Constisnull: c.Constisnull, Location: c.Location}
	if c.Constisnull {
		n.Constvalue = datum.Null()
	} else {
		v, err := p.cat.Input(t, inmod, c.Constvalue.Str())
		p.throwAt(err, int(c.Location))
		n.Constvalue = v
	}
	if base != to {
		return p.toDomain(n, base, bmod, to, ctx, form, loc, false)
	}
	return n
}

func (p *pstate) toDomainOf(e node.Node, to oid.OID, ctx node.CoercionContext, form node.CoercionForm, loc int) node.Node {
	base, bmod := p.baseTypeMod(to, -1)
	return p.toDomain(e, base, bmod, to, ctx, form, loc, false)
}

func (p *pstate) toDomain(e node.Node, base oid.OID, bmod int32, to oid.OID, ctx node.CoercionContext, form node.CoercionForm, loc int, hide bool) node.Node {
	if base == to {
		return e
	}
	if hide {
		e = hideCoercion(e)
	}
	e = p.coerceMod(e, base, bmod, ctx, node.CoerceImplicitCast, loc, false)
	return &node.CoerceToDomain{Arg: e, Resulttype: to, Resulttypmod: -1, Coercionformat: form, Location: node.Location(loc)}
}

// hideCoercion marks the top coercion as implicit, in a copy.
func hideCoercion(e node.Node) node.Node {
	switch x := e.Copy().(type) {
	case *node.FuncExpr:
		x.Funcformat = node.CoerceImplicitCast
		return x
	case *node.RelabelType:
		x.Relabelformat = node.CoerceImplicitCast
		return x
	case *node.CoerceViaIO:
		x.Coerceformat = node.CoerceImplicitCast
		return x
	case *node.ArrayCoerceExpr:
		x.Coerceformat = node.CoerceImplicitCast
		return x
	case *node.ConvertRowtypeExpr:
		x.Convertformat = node.CoerceImplicitCast
		return x
	case *node.RowExpr:
		x.RowFormat = node.CoerceImplicitCast
		return x
	case *node.CoerceToDomain:
		x.Coercionformat = node.CoerceImplicitCast
		return x
	}
	return e
}

// coerceMod applies a type modifier.
func (p *pstate) coerceMod(e node.Node, to oid.OID, mod int32, ctx node.CoercionContext, form node.CoercionForm, loc int, hide bool) node.Node {
	if mod == node.ExprTypmod(e) {
		return e
	}
	if hide {
		e = hideCoercion(e)
	}
	if mod >= 0 {
		if way, fn := p.modPath(to); way != pathNone {
			return p.buildCoercion(e, way, fn, to, mod, ctx, form, loc)
		}
	}
	return relabel(e, to, mod, node.ExprCollation(e), form, loc)
}

func (p *pstate) modPath(t oid.OID) (path, oid.OID) {
	way := pathFunc
	if el := p.elemType(t); el != 0 {
		t, way = el, pathArray
	}
	if c := must(p.cat.Cast(t, t)); c != nil && c.Func != 0 {
		return way, c.Func
	}
	return pathNone, 0
}

// relabel gives e another type, modifier and collation without work.
func relabel(e node.Node, to oid.OID, mod int32, coll oid.OID, form node.CoercionForm, loc int) node.Node {
	for {
		r, ok := e.(*node.RelabelType)
		if !ok {
			break
		}
		e = r.Arg
	}
	if c, ok := e.(*node.Const); ok {
		n := *c
		n.Consttype, n.Consttypmod, n.Constcollid = to, mod, coll
		return &n
	}
	if node.ExprType(e) == to && node.ExprTypmod(e) == mod && node.ExprCollation(e) == coll {
		return e
	}
	return &node.RelabelType{Arg: e, Resulttype: to, Resulttypmod: mod, Resultcollid: coll, Relabelformat: form, Location: node.Location(loc)}
}

func (p *pstate) buildCoercion(e node.Node, way path, fn, to oid.OID, mod int32, ctx node.CoercionContext, form node.CoercionForm, loc int) node.Node {
	switch way {
	case pathFunc:
		args := []node.Node{e}
		f := must(p.cat.Function(fn))
		if f == nil {
			p.fail(loc, pgerr.InternalError, "cache lookup failed for function %d", fn)
		}
		if len(f.ArgTypes) >= 2 {
			args = append(args, intConst(int(mod)))
		}
		if len(f.ArgTypes) == 3 {
			args = append(args, boolConst(ctx == node.CoercionExplicit, -1))
		}
		return &node.FuncExpr{Funcid: fn, Funcresulttype: to, Funcformat: form, Args: args, Location: node.Location(loc)}
	case pathArray:
		src, smod := p.baseTypeMod(node.ExprType(e), node.ExprTypmod(e))
		test := &node.CaseTestExpr{TypeId: p.elemType(src), TypeMod: smod}
		el := p.coerceTo(test, test.TypeId, p.elemType(to), mod, ctx, form, loc)
		if el == nil {
			p.fail(loc, pgerr.InternalError, "failed to coerce array element type as expected")
		}
		return &node.ArrayCoerceExpr{Arg: e, Elemexpr: el, Resulttype: to, Resulttypmod: node.ExprTypmod(el),
			Coerceformat: form, Location: node.Location(loc)}
	}
	return &node.CoerceViaIO{Arg: e, Resulttype: to, Coerceformat: form, Location: node.Location(loc)}
}

// recordToComposite casts ROW(…) or a whole-row variable field by field.
func (p *pstate) recordToComposite(e node.Node, to oid.OID, ctx node.CoercionContext, form node.CoercionForm, loc int) node.Node {
	row, ok := e.(*node.RowExpr)
	if !ok {
		p.cannotCast(oid.Record, to, loc).throw(p)
	}
	base, bmod := p.baseTypeMod(to, -1)
	cols := p.rowColumns(base)
	var args []node.Node
	i := 0
	for n, c := range cols {
		if c.Dropped {
			args = append(args, p.null(oid.Int4, -1, 0))
			continue
		}
		if i >= len(row.Args) {
			p.cannotCast(oid.Record, to, loc).detail("Input has too few columns.").throw(p)
		}
		arg := row.Args[i]
		from := node.ExprType(arg)
		x := p.coerceTo(arg, from, c.Type, c.TypMod, ctx, node.CoerceImplicitCast, -1)
		if x == nil {
			p.cannotCast(oid.Record, to, loc).detail("Cannot cast type %s to %s in column %d.",
				p.typeName(from), p.typeName(c.Type), n+1).throw(p)
		}
		args = append(args, x)
		i++
	}
	if i < len(row.Args) {
		p.cannotCast(oid.Record, to, loc).detail("Input has too many columns.").throw(p)
	}
	r := &node.RowExpr{Args: args, RowTypeid: base, RowFormat: form, Location: node.Location(loc)}
	if base != to {
		r.RowFormat = node.CoerceImplicitCast
		return p.toDomain(r, base, bmod, to, ctx, form, loc, false)
	}
	return r
}

type castError struct{ e *pgerr.Error }

func (p *pstate) cannotCast(from, to oid.OID, loc int) castError {
	return castError{p.err(loc, pgerr.CannotCoerce, "cannot cast type %s to %s", p.typeName(from), p.typeName(to))}
}

func (c castError) detail(f string, a ...any) castError { return castError{c.e.WithDetail(f, a...)} }
func (c castError) throw(p *pstate)                     { p.throw(c.e) }

// rowColumns are the columns of a composite type.
func (a *analyzer) rowColumns(id oid.OID) []Column {
	t := a.typ(id)
	r := must(a.cat.RelationByOID(t.RelID))
	if r == nil {
		a.fail(-1, pgerr.WrongObjectType, "type %s is not composite", a.typeName(id))
	}
	return r.Columns
}

// coerceBoolean is for WHERE and its kin.
func (p *pstate) coerceBoolean(e node.Node, what string) node.Node {
	if t := node.ExprType(e); t != oid.Bool {
		n := p.coerceTo(e, t, oid.Bool, -1, node.CoercionAssignment, node.CoerceImplicitCast, -1)
		if n == nil {
			p.fail(node.ExprLocation(e), pgerr.DatatypeMismatch, "argument of %s must be type %s, not type %s", what, "boolean", p.typeName(t))
		}
		e = n
	}
	if p.returnsSet(e) {
		p.fail(node.ExprLocation(e), pgerr.DatatypeMismatch, "argument of %s must not return a set", what)
	}
	return e
}

// coerceSpecific is for LIMIT and its kin.
func (p *pstate) coerceSpecific(e node.Node, to oid.OID, mod int32, what string) node.Node {
	if t := node.ExprType(e); t != to {
		n := p.coerceTo(e, t, to, mod, node.CoercionAssignment, node.CoerceImplicitCast, -1)
		if n == nil {
			p.fail(node.ExprLocation(e), pgerr.DatatypeMismatch, "argument of %s must be type %s, not type %s", what, p.typeName(to), p.typeName(t))
		}
		e = n
	}
	if p.returnsSet(e) {
		p.fail(node.ExprLocation(e), pgerr.DatatypeMismatch, "argument of %s must not return a set", what)
	}
	return e
}

func (p *pstate) returnsSet(e node.Node) bool {
	set := false
	node.Walk(e, func(n node.Node) bool {
		switch x := n.(type) {
		case *node.FuncExpr:
			set = set || x.Funcretset
		case *node.OpExpr:
			set = set || x.Opretset
		case *node.Query:
			return false // a subquery's rows are its own
		}
		return !set
	})
	return set
}

// commonType picks the type of UNION, CASE, ARRAY and so on; context "" makes a
// failure return 0. which is the expression that decided.
func (p *pstate) commonType(exprs []node.Node, context string) oid.OID {
	t := node.ExprType(exprs[0])
	rest := 1
	if t != oid.Unknown {
		same := true
		for _, e := range exprs[1:] {
			same = same && node.ExprType(e) == t
		}
		if same {
			return t
		}
	}
	t = p.baseType(t)
	cat, pref := p.category(t), p.preferred(t)
	for _, e := range exprs[rest:] {
		n := p.baseType(node.ExprType(e))
		if n == oid.Unknown || n == t {
			continue
		}
		ncat, npref := p.category(n), p.preferred(n)
		switch {
		case t == oid.Unknown:
			t, cat, pref = n, ncat, npref
		case ncat != cat:
			if context == "" {
				return 0
			}
			p.fail(node.ExprLocation(e), pgerr.DatatypeMismatch, "%s types %s and %s cannot be matched", context, p.typeName(t), p.typeName(n))
		case !pref && p.can(t, n, node.CoercionImplicit) && !p.can(n, t, node.CoercionImplicit):
			t, cat, pref = n, ncat, npref
		}
	}
	if t == oid.Unknown {
		return oid.Text
	}
	return t
}

// toCommon coerces e to the type that commonType chose.
func (p *pstate) toCommon(e node.Node, to oid.OID, context string) node.Node {
	t := node.ExprType(e)
	if t == to {
		return e
	}
	if !p.can(t, to, node.CoercionImplicit) {
		p.fail(node.ExprLocation(e), pgerr.CannotCoerce, "%s could not convert type %s to %s", context, p.typeName(t), p.typeName(to))
	}
	return p.coerce(e, t, to, -1, node.CoercionImplicit, node.CoerceImplicitCast, -1)
}

// commonTypmod is the modifier that all share, else -1.
func (p *pstate) commonTypmod(exprs []node.Node, t oid.OID) int32 {
	mod := int32(-1)
	for i, e := range exprs {
		if node.ExprType(e) != t {
			return -1
		}
		m := node.ExprTypmod(e)
		if i > 0 && m != mod {
			return -1
		}
		mod = m
	}
	return mod
}
