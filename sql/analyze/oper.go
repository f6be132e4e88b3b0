package analyze

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// candidate is a function or operator under consideration: its argument types as
// the call sees them.
type candidate struct {
	fn       *Function
	op       *Operator
	args     []oid.OID
	argnos   []int // call position → declared position, for named arguments
	defaults int
	variadic bool // expanded
	nvargs   int
	order    int
}

// best applies the candidate rules to candidates that all accept the input; nil
// is no single best.
func (a *analyzer) best(input []oid.OID, cands []*candidate) *candidate {
	base := make([]oid.OID, len(input))
	unknowns := 0
	for i, t := range input {
		if t == oid.Unknown {
			base[i] = t
			unknowns++
		} else {
			base[i] = a.baseType(t)
		}
	}
	keep := func(score func(c *candidate) int) *candidate {
		most, kept := 0, []*candidate(nil)
		for _, c := range cands {
			switch n := score(c); {
			case n > most || kept == nil:
				most, kept = n, []*candidate{c}
			case n == most:
				kept = append(kept, c)
			}
		}
		cands = kept
		if len(cands) == 1 {
			return cands[0]
		}
		return nil
	}
	if c := keep(func(c *candidate) int {
		n := 0
		for i, t := range base {
			if t != oid.Unknown && c.args[i] == t {
				n++
			}
		}
		return n
	}); c != nil {
		return c
	}
	cats := make([]byte, len(base))
	for i, t := range base {
		cats[i] = a.category(t)
	}
	if c := keep(func(c *candidate) int {
		n := 0
		for i, t := range base {
			if t != oid.Unknown && (c.args[i] == t || a.category(c.args[i]) == cats[i] && a.preferred(c.args[i])) {
				n++
			}
		}
		return n
	}); c != nil {
		return c
	}
	if unknowns == 0 {
		return nil
	}
	if c, done := a.bestByCategory(base, &cands); done {
		return c
	}
	return a.bestByKnown(base, unknowns, cands)
}

// bestByCategory picks a category for each unknown argument.
func (a *analyzer) bestByCategory(base []oid.OID, cands *[]*candidate) (*candidate, bool) {
	slot := make([]byte, len(base))
	prefer := make([]bool, len(base))
	resolved := false
	for i, t := range base {
		if t != oid.Unknown {
			continue
		}
		resolved = true
		conflict := false
		for _, c := range *cands {
			ct := a.category(c.args[i])
			switch {
			case slot[i] == 0:
				slot[i], prefer[i] = ct, a.preferred(c.args[i])
			case slot[i] == ct:
				prefer[i] = prefer[i] || a.preferred(c.args[i])
			case ct == 'S':
				slot[i], prefer[i] = ct, a.preferred(c.args[i])
			default:
				conflict = true
			}
		}
		if conflict && slot[i] != 'S' {
			resolved = false
			break
		}
	}
	if !resolved {
		return nil, false
	}
	var kept []*candidate
	for _, c := range *cands {
		ok := true
		for i, t := range base {
			if t != oid.Unknown {
				continue
			}
			if a.category(c.args[i]) != slot[i] || prefer[i] && !a.preferred(c.args[i]) {
				ok = false
			}
		}
		if ok {
			kept = append(kept, c)
		}
	}
	if len(kept) > 0 {
		*cands = kept
	}
	if len(kept) == 1 {
		return kept[0], true
	}
	return nil, false
}

// bestByKnown tries the one known type for the unknown arguments.
func (a *analyzer) bestByKnown(base []oid.OID, unknowns int, cands []*candidate) *candidate {
	if unknowns == len(base) {
		return nil
	}
	known := oid.Unknown
	for _, t := range base {
		if t == oid.Unknown {
			continue
		}
		if known == oid.Unknown {
			known = t
		} else if known != t {
			return nil
		}
	}
	same := make([]oid.OID, len(base))
	for i := range same {
		same[i] = known
	}
	var last *candidate
	for _, c := range cands {
		if a.canCoerce(same, c.args, node.CoercionImplicit) {
			if last != nil {
				return nil
			}
			last = c
		}
	}
	return last
}

func opText(names []*pg.Node) string {
	s := ""
	for i, n := range strs(names) {
		if i > 0 {
			s += "."
		}
		s += n
	}
	return s
}

// operator resolves a binary operator (left 0 for a prefix one); nil without
// failing if quiet.
func (p *pstate) operator(names []*pg.Node, left, right oid.OID, quiet bool, loc int) *Operator {
	schema, name := p.deconstruct(names, loc)
	if schema != "" {
		p.needSchema(schema, loc)
	}
	all := must(p.cat.Operators(schema, name))
	kind := byte('b')
	if left == 0 {
		kind = 'l'
	}
	var cands []*candidate
	for i, o := range all {
		if o.Kind != kind {
			continue
		}
		c := &candidate{op: o, args: []oid.OID{o.Left, o.Right}, order: i}
		if kind == 'l' {
			c.args = c.args[1:]
		}
		cands = append(cands, c)
	}
	in := []oid.OID{left, right}
	if kind == 'l' {
		in = in[1:]
	}
	c, ambiguous := p.pickOperator(in, cands)
	if c != nil || quiet {
		if c == nil {
			return nil
		}
		return c.op
	}
	p.noOperator(name0(names), in, ambiguous, loc)
	return nil
}

func name0(names []*pg.Node) string { return opText(names) }

func (p *pstate) pickOperator(in []oid.OID, cands []*candidate) (*candidate, bool) {
	exact := append([]oid.OID(nil), in...)
	if len(exact) == 2 { // an unknown operand is first assumed to be of the other's type
		if exact[0] == oid.Unknown && exact[1] != oid.Unknown {
			exact[0] = exact[1]
		} else if exact[1] == oid.Unknown {
			exact[1] = exact[0]
		}
	}
	match := func(t []oid.OID) *candidate {
		for _, c := range cands {
			if equalOIDs(c.args, t) {
				return c
			}
		}
		return nil
	}
	if c := match(exact); c != nil {
		return c, false
	}
	if len(in) == 2 && in[0] != in[1] && (in[0] == oid.Unknown || in[1] == oid.Unknown) {
		b := []oid.OID{p.baseType(exact[0]), p.baseType(exact[1])}
		if b[0] != exact[0] {
			if c := match(b); c != nil {
				return c, false
			}
		}
	}
	var fit []*candidate
	for _, c := range cands {
		if p.canCoerce(in, c.args, node.CoercionImplicit) {
			fit = append(fit, c)
		}
	}
	switch len(fit) {
	case 0:
		return nil, false
	case 1:
		return fit[0], false
	}
	c := p.best(in, fit)
	return c, c == nil
}

func equalOIDs(a, b []oid.OID) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (p *pstate) noOperator(name string, in []oid.OID, ambiguous bool, loc int) {
	sig := name + " " + p.typeName(in[len(in)-1])
	if len(in) == 2 {
		sig = p.typeName(in[0]) + " " + sig
	}
	if ambiguous {
		p.throw(p.err(loc, pgerr.AmbiguousFunction, "operator is not unique: %s", sig).
			WithHint("Could not choose a best candidate operator. You might need to add explicit type casts."))
	}
	hint := "No operator matches the given name and argument types. You might need to add explicit type casts."
	if len(in) == 1 {
		hint = "No operator matches the given name and argument type. You might need to add an explicit type cast."
	}
	p.throw(p.err(loc, pgerr.UndefinedFunction, "operator does not exist: %s", sig).WithHint("%s", hint))
}

// makeOp builds an operator call.
func (p *pstate) makeOp(names []*pg.Node, l, r node.Node, loc int) node.Node {
	var lt oid.OID
	if l != nil {
		lt = node.ExprType(l)
	}
	return p.applyOp(p.operator(names, lt, node.ExprType(r), false, loc), l, r, loc)
}

func (p *pstate) applyOp(o *Operator, l, r node.Node, loc int) *node.OpExpr {
	if o.Proc == 0 {
		p.fail(loc, pgerr.UndefinedFunction, "operator is only a shell: %s", o.Name)
	}
	args, actual, declared := []node.Node{l, r}, []oid.OID{0, node.ExprType(r)}, []oid.OID{o.Left, o.Right}
	if l == nil {
		args, actual, declared = args[1:], actual[1:], declared[1:]
	} else {
		actual[0] = node.ExprType(l)
	}
	ret := p.enforceGenerics(actual, declared, o.Result, loc)
	p.coerceArgs(args, actual, declared)
	f := must(p.cat.Function(o.Proc))
	e := &node.OpExpr{Opno: o.OID, Opfuncid: o.Proc, Opresulttype: ret, Opretset: f != nil && f.RetSet,
		Args: args, Location: node.Location(loc)}
	if e.Opretset {
		p.checkSRF(e, loc)
	}
	return e
}

// coerceArgs brings arguments to the declared types, in place.
func (p *pstate) coerceArgs(args []node.Node, actual, declared []oid.OID) {
	for i, e := range args {
		if i >= len(declared) || actual[i] == declared[i] {
			continue
		}
		if na, ok := e.(*node.NamedArgExpr); ok {
			c := *na
			c.Arg = p.coerce(na.Arg, actual[i], declared[i], -1, node.CoercionImplicit, node.CoerceImplicitCast, -1)
			args[i] = &c
			continue
		}
		args[i] = p.coerce(e, actual[i], declared[i], -1, node.CoercionImplicit, node.CoerceImplicitCast, -1)
	}
}

// makeArrayOp builds scalar op ANY/ALL (array).
func (p *pstate) makeArrayOp(names []*pg.Node, useOr bool, l, r node.Node, loc int) node.Node {
	lt, rt := node.ExprType(l), node.ExprType(r)
	el := oid.Unknown
	if rt != oid.Unknown {
		if el = p.elemType(p.baseType(rt)); el == 0 {
			p.fail(loc, pgerr.WrongObjectType, "op ANY/ALL (array) requires array on right side")
		}
	}
	o := p.operator(names, lt, el, false, loc)
	actual, declared := []oid.OID{lt, el}, []oid.OID{o.Left, o.Right}
	ret := p.enforceGenerics(actual, declared, o.Result, loc)
	if ret != oid.Bool {
		p.fail(loc, pgerr.WrongObjectType, "op ANY/ALL (array) requires operator to yield boolean")
	}
	if f := must(p.cat.Function(o.Proc)); f != nil && f.RetSet {
		p.fail(loc, pgerr.WrongObjectType, "op ANY/ALL (array) requires operator not to return a set")
	}
	arr := rt
	if !polymorphic(declared[1]) || declared[1] != rt {
		if arr = p.arrayOf(declared[1]); arr == 0 {
			p.fail(loc, pgerr.UndefinedObject, "could not find array type for data type %s", p.typeName(declared[1]))
		}
	}
	args := []node.Node{l, r}
	p.coerceArgs(args, []oid.OID{lt, rt}, []oid.OID{declared[0], arr})
	return &node.ScalarArrayOpExpr{Opno: o.OID, Opfuncid: o.Proc, UseOr: useOr, Args: args, Location: node.Location(loc)}
}

// sortOps are the operators by which a type sorts and groups.
type sortOps struct {
	lt, eq, gt oid.OID
	hashable   bool
}

// opclass is the default operator class of a type for an access method.
func (a *analyzer) opclass(t, am oid.OID) *Opclass {
	t = a.baseType(t)
	var exact, pref, some *Opclass
	n := 0
	for _, c := range must(a.cat.Opclasses(am)) {
		if !c.Default {
			continue
		}
		switch {
		case c.InType == t:
			exact = c
		case a.binaryCoercible(t, c.InType):
			if a.preferred(c.InType) && a.category(t) == a.category(c.InType) && pref == nil {
				pref = c
			}
			some = c
			n++
		}
	}
	switch {
	case exact != nil:
		return exact
	case pref != nil:
		return pref
	case n == 1:
		return some
	}
	return nil
}

// sortOperators finds a type's btree operators; arrays and rows sort if their
// members do.
func (a *analyzer) sortOperators(t oid.OID) sortOps {
	var s sortOps
	t = a.baseType(t)
	if c := a.opclass(t, oid.BtreeAM); c != nil && a.membersSort(t, oid.BtreeAM) {
		s.lt = must(a.cat.FamilyOperator(c.Family, c.InType, c.InType, 1))
		s.eq = must(a.cat.FamilyOperator(c.Family, c.InType, c.InType, 3))
		s.gt = must(a.cat.FamilyOperator(c.Family, c.InType, c.InType, 5))
	}
	if c := a.opclass(t, oid.HashAM); c != nil && a.membersSort(t, oid.HashAM) {
		eq := must(a.cat.FamilyOperator(c.Family, c.InType, c.InType, 1))
		if s.eq == 0 {
			s.eq = eq
		}
		s.hashable = eq == s.eq
	}
	return s
}

func (a *analyzer) membersSort(t, am oid.OID) bool {
	if el := a.elemType(t); el != 0 {
		s := a.opclass(el, am)
		return s != nil && a.membersSort(a.baseType(el), am)
	}
	if t == oid.Record {
		return am == oid.BtreeAM
	}
	if a.kind(t) == 'c' {
		for _, c := range a.rowColumns(t) {
			if !c.Dropped && (a.opclass(c.Type, am) == nil || !a.membersSort(a.baseType(c.Type), am)) {
				return false
			}
		}
	}
	return true
}

// groupOperators is sortOperators that fails for what the caller needs.
func (p *pstate) groupOperators(t oid.OID, needLT, needEQ, needGT bool, loc int) sortOps {
	s := p.sortOperators(t)
	if needLT && s.lt == 0 || needGT && s.gt == 0 {
		p.throw(p.err(loc, pgerr.UndefinedFunction, "could not identify an ordering operator for type %s", p.typeName(t)).
			WithHint("Use an explicit ordering operator or modify the query."))
	}
	if needEQ && s.eq == 0 {
		p.fail(loc, pgerr.UndefinedFunction, "could not identify an equality operator for type %s", p.typeName(t))
	}
	return s
}
