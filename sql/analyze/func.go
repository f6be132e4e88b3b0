package analyze

import (
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// lookup lists the functions of a name that a call with these arguments could
// mean.
func (p *pstate) lookup(schema, name string, nargs int, argnames []string, variadicCall bool) []*candidate {
	var out []*candidate
	for i, f := range must(p.cat.Functions(schema, name)) {
		c := &candidate{fn: f, order: i}
		declared := len(f.ArgTypes)
		if f.Variadic != 0 && !variadicCall && len(argnames) == 0 && nargs >= declared {
			c.args = append(append([]oid.OID(nil), f.ArgTypes[:declared-1]...), slices.Repeat([]oid.OID{f.Variadic}, nargs-declared+1)...)
			c.variadic, c.nvargs = true, nargs-declared+1
			out = append(out, c)
			if nargs == declared {
				plain := *c
				plain.variadic, plain.nvargs, plain.args = false, 0, f.ArgTypes
				out = append(out, &plain)
			}
			continue
		}
		if nargs > declared || nargs < declared-f.NArgDefaults {
			continue
		}
		if len(argnames) > 0 {
			if !p.matchNames(c, nargs, argnames) {
				continue
			}
			c.args = make([]oid.OID, 0, declared)
			for _, at := range c.argnos {
				c.args = append(c.args, f.ArgTypes[at])
			}
		} else {
			c.args = f.ArgTypes
		}
		c.defaults = declared - nargs
		out = append(out, c)
	}
	return dedupe(out, nargs)
}

// dedupe drops what another candidate of the same types hides: earlier in the
// path wins, then not variadic, then fewer defaults.
func dedupe(in []*candidate, nargs int) []*candidate {
	var out []*candidate
next:
	for _, c := range in {
		for i, o := range out {
			if !equalOIDs(c.args[:nargs], o.args[:nargs]) || c.fn.OID == o.fn.OID && c.variadic == o.variadic {
				continue
			}
			switch {
			case o.variadic && !c.variadic, o.variadic == c.variadic && o.defaults > 0 && c.defaults == 0:
				out[i] = c
				continue next
			case !o.variadic && c.variadic, o.variadic == c.variadic && o.defaults == 0 && c.defaults > 0,
				o.fn.Namespace != c.fn.Namespace:
				continue next
			}
		}
		out = append(out, c)
	}
	return out
}

// matchNames maps a mixed or named notation call onto declared positions; the
// defaulted positions follow.
func (p *pstate) matchNames(c *candidate, nargs int, names []string) bool {
	f := c.fn
	used := make([]bool, len(f.ArgTypes))
	npos := nargs - len(names)
	for i := range npos {
		c.argnos = append(c.argnos, i)
		used[i] = true
	}
	in := 0
	pos := map[string]int{}
	for i, n := range f.ArgNames {
		if len(f.ArgModes) > i && f.ArgModes[i] != 'i' && f.ArgModes[i] != 'b' && f.ArgModes[i] != 'v' {
			continue
		}
		if n != "" {
			pos[n] = in
		}
		in++
	}
	for _, n := range names {
		at, ok := pos[n]
		if !ok || at >= len(used) || used[at] {
			return false
		}
		used[at] = true
		c.argnos = append(c.argnos, at)
	}
	for i, u := range used {
		if !u {
			if i < len(f.ArgTypes)-f.NArgDefaults {
				return false
			}
			c.argnos = append(c.argnos, i)
		}
	}
	return true
}

// funcText is a call's signature for messages.
func (p *pstate) funcText(name string, types []oid.OID, argnames []string) string {
	parts := make([]string, len(types))
	for i, t := range types {
		parts[i] = p.typeName(t)
		if k := i - (len(types) - len(argnames)); k >= 0 {
			parts[i] = argnames[k] + " => " + parts[i]
		}
	}
	return name + "(" + strings.Join(parts, ", ") + ")"
}

// funcCall transforms f(…).
func (p *pstate) funcCall(fc *pg.FuncCall) node.Node {
	loc := int(fc.Location)
	var args []node.Node
	var argnames []string
	for _, x := range fc.Args {
		e := p.exprRec(x)
		if na, ok := e.(*node.NamedArgExpr); ok {
			if slices.Contains(argnames, na.Name) {
				p.fail(int(na.Location), pgerr.SyntaxError, `argument name "%s" used more than once`, na.Name)
			}
			argnames = append(argnames, na.Name)
		} else if len(argnames) > 0 {
			p.fail(node.ExprLocation(e), pgerr.SyntaxError, "positional argument cannot follow named argument")
		}
		args = append(args, e)
	}
	if fc.AggWithinGroup {
		for _, x := range fc.AggOrder {
			sb := x.GetSortBy()
			args = append(args, p.expr(sb.Node, kindOrderBy))
		}
	}
	return p.call(fc, args, argnames, loc)
}

func types(args []node.Node) []oid.OID {
	out := make([]oid.OID, len(args))
	for i, e := range args {
		out[i] = node.ExprType(e)
	}
	return out
}

func (p *pstate) call(fc *pg.FuncCall, args []node.Node, argnames []string, loc int) node.Node {
	schema, name := p.deconstruct(fc.Funcname, loc)
	if schema != "" {
		p.needSchema(schema, loc)
	}
	var filter node.Node
	if fc.AggFilter != nil {
		filter = p.coerceBoolean(p.expr(fc.AggFilter, kindFilter), "FILTER")
	}
	full := strings.Join(strs(fc.Funcname), ".")
	plain := fc.AggOrder == nil && fc.AggFilter == nil && !fc.AggStar && !fc.AggDistinct && !fc.FuncVariadic && fc.Over == nil
	if plain && len(args) == 1 && len(fc.Funcname) == 1 && argnames == nil && p.rowType(node.ExprType(args[0])) {
		if len(p.lookup("", name, 1, nil, false)) == 0 {
			if e := p.fieldOf(args[0], name, loc); e != nil {
				return e
			}
		}
	}
	in := types(args)
	cands := p.lookup(schema, name, len(args), argnames, fc.FuncVariadic)
	var c *candidate
	for _, k := range cands {
		if equalOIDs(k.args[:len(args)], in) {
			c = k
			break
		}
	}
	ambiguous := false
	if c == nil {
		if plain && len(args) == 1 && argnames == nil {
			if e := p.castCall(fc, schema, name, args[0], loc); e != nil {
				return e
			}
		}
		var fit []*candidate
		for _, k := range cands {
			if p.canCoerce(in, k.args[:len(args)], node.CoercionImplicit) {
				fit = append(fit, k)
			}
		}
		if len(fit) == 1 {
			c = fit[0]
		} else if len(fit) > 1 {
			c = p.best(in, fit)
			ambiguous = c == nil
		}
	}
	if c == nil {
		p.noFunction(full, in, argnames, ambiguous, fc, loc)
	}
	return p.applyCall(fc, c, args, full, filter, loc)
}

// castCall is type(x) written as a call.
func (p *pstate) castCall(fc *pg.FuncCall, schema, name string, arg node.Node, loc int) node.Node {
	t := must(p.cat.TypeByName(schema, name))
	if t == nil || !t.Defined {
		return nil
	}
	from := node.ExprType(arg)
	if from == oid.Unknown || p.rowType(from) && t.Category == 'S' {
		if from != oid.Unknown {
			return nil
		}
	} else {
		way, _ := p.findPath(t.OID, from, node.CoercionExplicit)
		if way != pathRelabel && (way != pathIO || p.rowType(from) && t.Category == 'S') {
			return nil
		}
	}
	return p.coerce(arg, from, t.OID, -1, node.CoercionExplicit, node.CoerceExplicitCall, loc)
}

func (p *pstate) noFunction(name string, in []oid.OID, argnames []string, ambiguous bool, fc *pg.FuncCall, loc int) {
	sig := p.funcText(name, in, argnames)
	if ambiguous {
		p.throw(p.err(loc, pgerr.AmbiguousFunction, "function %s is not unique", sig).
			WithHint("Could not choose a best candidate function. You might need to add explicit type casts."))
	}
	hint := "No function matches the given name and argument types. You might need to add explicit type casts."
	if len(fc.AggOrder) > 0 && !fc.AggWithinGroup {
		hint = "No aggregate function matches the given name and argument types. Perhaps you misplaced ORDER BY; ORDER BY must appear after all regular arguments of the aggregate."
	}
	p.throw(p.err(loc, pgerr.UndefinedFunction, "function %s does not exist", sig).WithHint("%s", hint))
}

// applyCall builds the node of a call whose function is chosen.
func (p *pstate) applyCall(fc *pg.FuncCall, c *candidate, args []node.Node, name string, filter node.Node, loc int) node.Node {
	f := c.fn
	p.checkCallForm(fc, f, name, loc)
	actual := types(args)
	declared := append([]oid.OID(nil), c.args...)
	if c.argnos != nil {
		for i, e := range args {
			if na, ok := e.(*node.NamedArgExpr); ok {
				n := *na
				n.Argnumber = c.argnos[i]
				args[i] = &n
			}
		}
	}
	all := append([]oid.OID(nil), actual...)
	if c.defaults > 0 { // defaults take part in polymorphic resolution
		for _, d := range p.defaultArgs(c) {
			all = append(all, node.ExprType(d))
		}
	}
	ret := p.enforceGenerics(all, declared, f.RetType, loc)
	p.coerceArgs(args, actual, declared)
	if fc.AggWithinGroup && f.AggKind == 'h' {
		p.unifyHypothetical(args, len(fc.AggOrder), name, actual, loc)
	}
	variadic := fc.FuncVariadic
	if c.variadic && c.nvargs > 0 {
		if f.Variadic != oid.Any {
			split := len(args) - c.nvargs
			els := args[split:]
			el := node.ExprType(els[0])
			arr := &node.ArrayExpr{ElementTypeid: el, ArrayTypeid: p.arrayOf(el), Elements: els, Location: node.Location(node.ExprLocation(node.List(els)))}
			if arr.ArrayTypeid == 0 {
				p.fail(int(arr.Location), pgerr.UndefinedObject, "could not find array type for data type %s", p.typeName(el))
			}
			args = append(append([]node.Node(nil), args[:split]...), arr)
			variadic = true
		}
	}
	if fc.FuncVariadic && f.Variadic == oid.Any && p.elemType(p.baseType(actual[len(actual)-1])) == 0 {
		p.fail(node.ExprLocation(args[len(args)-1]), pgerr.DatatypeMismatch, "VARIADIC argument must be an array")
	}
	switch {
	case f.Kind == 'a' && fc.Over == nil:
		return p.aggregate(fc, f, args, ret, filter, variadic, loc)
	case fc.Over != nil:
		return p.windowCall(fc, f, args, ret, filter, loc)
	}
	e := &node.FuncExpr{Funcid: f.OID, Funcresulttype: ret, Funcretset: f.RetSet, Funcvariadic: variadic,
		Funcformat: formOf(fc.Funcformat), Args: args, Location: node.Location(loc)}
	if f.RetSet {
		p.checkSRF(e, loc)
	}
	return e
}

func formOf(f pg.CoercionForm) node.CoercionForm {
	if f == 0 {
		return node.CoerceExplicitCall
	}
	return node.CoercionForm(f - 1)
}

// defaultArgs are the stored defaults that a call would take.
func (p *pstate) defaultArgs(c *candidate) []node.Node {
	l, err := node.Read(c.fn.Defaults)
	p.throw(err)
	d, _ := l.(node.List)
	if len(d) > c.defaults && c.argnos == nil {
		d = d[len(d)-c.defaults:]
	}
	return d
}

func (p *pstate) checkCallForm(fc *pg.FuncCall, f *Function, name string, loc int) {
	wrong := func(what string) {
		p.fail(loc, pgerr.WrongObjectType, what, name)
	}
	if f.Kind == 'p' {
		p.throw(p.err(loc, pgerr.WrongObjectType, "%s is a procedure", p.funcText(name, f.ArgTypes, nil)).
			WithHint("To call a procedure, use CALL."))
	}
	if f.Kind == 'w' && fc.Over == nil {
		p.fail(loc, pgerr.WrongObjectType, "window function %s requires an OVER clause", name)
	}
	if f.Kind == 'f' {
		switch {
		case fc.AggStar:
			wrong("%s(*) specified, but %[1]s is not an aggregate function")
		case fc.AggDistinct:
			wrong("DISTINCT specified, but %s is not an aggregate function")
		case fc.AggWithinGroup:
			wrong("WITHIN GROUP specified, but %s is not an aggregate function")
		case len(fc.AggOrder) > 0:
			wrong("ORDER BY specified, but %s is not an aggregate function")
		case fc.AggFilter != nil:
			wrong("FILTER specified, but %s is not an aggregate function")
		case fc.Over != nil:
			wrong("OVER specified, but %s is not a window function nor an aggregate function")
		}
	}
}

// aggregate builds an Aggref.
func (p *pstate) aggregate(fc *pg.FuncCall, f *Function, args []node.Node, ret oid.OID, filter node.Node, variadic bool, loc int) node.Node {
	if len(fc.Args) == 0 && !fc.AggStar && !fc.AggWithinGroup {
		p.fail(loc, pgerr.WrongObjectType, "%s(*) must be used to call a parameterless aggregate function", strings.Join(strs(fc.Funcname), "."))
	}
	if f.AggKind != 'n' && !fc.AggWithinGroup {
		p.fail(loc, pgerr.WrongObjectType, "WITHIN GROUP is required for ordered-set aggregate %s", f.Name)
	}
	if f.AggKind == 'n' && fc.AggWithinGroup {
		p.fail(loc, pgerr.WrongObjectType, "%s is not an ordered-set aggregate, so it cannot have WITHIN GROUP", f.Name)
	}
	if f.RetSet {
		p.fail(loc, pgerr.InvalidFunctionDefinition, "aggregates cannot return sets")
	}
	g := &node.Aggref{Aggfnoid: f.OID, Aggtype: ret, Aggstar: fc.AggStar, Aggvariadic: variadic,
		Aggkind: node.Char(f.AggKind), Aggfilter: filter, Aggno: -1, Aggtransno: -1, Location: node.Location(loc)}
	if g.Aggkind == 0 {
		g.Aggkind = node.AggKindNormal
	}
	p.aggArgs(g, fc, f, args)
	return g
}

// checkSRF records a set-returning call and refuses it where none may stand.
func (p *pstate) checkSRF(e node.Node, loc int) {
	what := ""
	switch p.kind {
	case kindSelectTarget, kindInsertTarget, kindValuesSingle, kindOrderBy, kindGroupBy, kindDistinctOn:
		p.hasTargetSRFs, p.lastSRF = true, e
		return
	case kindFromFunction, kindOther:
		p.lastSRF = e
		return
	case kindUpdateSource, kindUpdateTarget:
		what = "UPDATE"
	case kindJoinOn:
		what = "JOIN conditions"
	case kindWhere:
		what = "WHERE"
	default:
		what = p.kind.construct()
	}
	p.fail(loc, pgerr.FeatureNotSupported, "set-returning functions are not allowed in %s", what)
}

// refuseSRF refuses a set-returning call met since before: construct may skip
// its arguments, and then the number of rows would have no meaning.
func (p *pstate) refuseSRF(before node.Node, construct string) {
	if p.lastSRF == nil || p.lastSRF == before {
		return
	}
	p.throw(p.err(node.ExprLocation(p.lastSRF), pgerr.FeatureNotSupported, "set-returning functions are not allowed in %s", construct).
		WithHint("You might be able to move the set-returning function into a LATERAL FROM item."))
}
