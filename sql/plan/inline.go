package plan

import (
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// SQLFunc is a function in language SQL whose body is one SELECT.
type SQLFunc struct {
	Body     *node.Query // analyzed, views expanded; its parameters are external ones
	Strict   bool
	Volatile byte
	RetSet   bool
}

// maxInline bounds how deep functions are expanded: a function that calls itself
// has no end.
const maxInline = 100

// inline replaces calls of SQL functions by their bodies: by the expression
// itself where the body is one, else by a subquery.
func (r *root) inline(e node.Node) (node.Node, error) {
	var err error
	out := node.Mutate(e, func(n node.Node) (node.Node, bool) {
		if err != nil {
			return n, true
		}
		switch x := n.(type) {
		case *node.Query:
			return x, true // its own planning will see to it
		case *node.FuncExpr:
			if x.Funcretset {
				return nil, false
			}
			var in node.Node
			if in, err = r.inlineCall(x); in != nil {
				return in, true
			}
		}
		return nil, false
	})
	return out, err
}

// inlineCall is what stands for a call; nil if it stays.
func (r *root) inlineCall(x *node.FuncExpr) (node.Node, error) {
	args, err := r.cat.Arguments(x)
	if err != nil {
		return nil, nil
	}
	c := *x
	c.Args = args
	f, err := r.cat.SQLFunc(&c)
	if f == nil || err != nil {
		return nil, err
	}
	if r.depth++; r.depth > maxInline {
		return nil, pgerr.New(pgerr.StatementTooComplex, "stack depth limit exceeded")
	}
	defer func() { r.depth-- }()
	r.stmt.Functions = append(r.stmt.Functions, x.Funcid)
	for i := range args {
		if args[i], err = r.inline(args[i]); err != nil {
			return nil, err
		}
	}
	body := f.Body.Copy().(*node.Query)
	if e := r.plainBody(f, body, args); e != nil {
		return r.inline(e)
	}
	return r.callQuery(f, body, args, x.Funcresulttype), nil
}

// plainBody is the expression that the body consists of, over the arguments; nil
// if it is more than that or if an argument would be evaluated another number of
// times.
func (r *root) plainBody(f *SQLFunc, q *node.Query, args []node.Node) node.Node {
	if !isExpression(q) {
		return nil
	}
	e := q.TargetList[0].Expr
	uses := make([]int, len(args))
	node.Walk(e, func(n node.Node) bool {
		if p, ok := n.(*node.Param); ok && p.Paramkind == node.ParamExtern && p.Paramid <= len(args) {
			uses[p.Paramid-1]++
		}
		return true
	})
	for i, a := range args {
		switch a.(type) {
		case *node.Var, *node.Const, *node.Param:
			if !f.Strict || uses[i] > 0 {
				continue
			}
		}
		if uses[i] != 1 {
			return nil
		}
	}
	if f.Strict && !r.strictBody(e) || f.Volatile != 'v' && r.hasVolatile(e) {
		return nil
	}
	return bindParams(e, args, 0)
}

// isExpression reports whether a query only computes one value.
func isExpression(q *node.Query) bool {
	return q.CommandType == node.CmdSelect && len(q.TargetList) == 1 && (q.Jointree == nil || len(q.Jointree.Fromlist) == 0 && q.Jointree.Quals == nil) &&
		!q.HasAggs && !q.HasWindowFuncs && !q.HasTargetSRFs && !q.HasSubLinks && q.SetOperations == nil && len(q.GroupClause) == 0 &&
		len(q.GroupingSets) == 0 && q.HavingQual == nil && q.LimitCount == nil && q.LimitOffset == nil && len(q.CteList) == 0
}

// strictBody reports whether e is NULL whenever one of its variables is.
func (r *root) strictBody(e node.Node) bool {
	return !node.Any(e, func(n node.Node) bool {
		id := oid.Invalid
		switch x := n.(type) {
		case *node.Param, *node.Const, *node.RelabelType, *node.CoerceViaIO, *node.CollateExpr:
			return false
		case *node.FuncExpr:
			id = x.Funcid
		case *node.OpExpr:
			o, err := r.cat.Operator(x.Opno)
			return err != nil || !o.Strict
		default:
			return true
		}
		g, err := r.cat.Func(id)
		return err != nil || !g.Strict
	})
}

// bindParams replaces external parameters by the arguments; up is how many query
// levels e is below where the arguments are at home.
func bindParams(e node.Node, args []node.Node, up int) node.Node {
	return node.MutateLevels(e, func(n node.Node, level int) (node.Node, bool) {
		p, ok := n.(*node.Param)
		if !ok || p.Paramkind != node.ParamExtern || p.Paramid < 1 || p.Paramid > len(args) {
			return nil, false
		}
		return node.IncrementSublevelsUp(args[p.Paramid-1].Copy(), up+level, 0), true
	})
}

// callQuery is a scalar subquery: the arguments are computed once, in a subquery
// in FROM, and the body runs over them.
func (r *root) callQuery(f *SQLFunc, body *node.Query, args []node.Node, typ oid.OID) node.Node {
	if columns(body) > 1 {
		body = rowQuery(body, typ)
	}
	if body.LimitCount == nil && body.CommandType == node.CmdSelect {
		body.LimitCount = intConst(1, oid.Int8)
	}
	in := &node.Query{CommandType: node.CmdSelect, Jointree: &node.FromExpr{}, CanSetTag: true}
	eref := &node.Alias{Aliasname: "args"}
	var vars, nulls []node.Node
	for i, a := range args {
		in.TargetList = append(in.TargetList, &node.TargetEntry{Expr: node.IncrementSublevelsUp(a, 2, 0), Resno: i + 1, Resname: "?column?"})
		in.HasSubLinks = in.HasSubLinks || node.Any(a, func(n node.Node) bool { _, s := n.(*node.SubLink); return s })
		eref.Colnames = append(eref.Colnames, "?column?")
		v := &node.Var{Varno: 1, Varattno: i + 1, Vartype: node.ExprType(a), Vartypmod: typmodOf(a), Varcollid: collationOf(a), Varnosyn: 1, Varattnosyn: i + 1, Location: -1}
		vars = append(vars, v)
		nulls = append(nulls, &node.NullTest{Arg: v, Nulltesttype: node.IsNull, Location: -1})
	}
	var e node.Node = &node.SubLink{SubLinkType: node.ExprSublink, Subselect: bindParams(&node.SubLink{Subselect: body}, vars, 0).(*node.SubLink).Subselect, Location: -1}
	if len(args) == 0 {
		return e
	}
	if f.Strict {
		null := r.nullOf(e)
		var test node.Node = nulls[0]
		if len(nulls) > 1 {
			test = &node.BoolExpr{Boolop: node.OrExpr, Args: nulls, Location: -1}
		}
		e = &node.CaseExpr{Casetype: typ, Casecollid: collationOf(e), Args: []*node.CaseWhen{{Expr: test, Result: null, Location: -1}}, Defresult: e, Location: -1}
	}
	q := &node.Query{CommandType: node.CmdSelect, CanSetTag: true, HasSubLinks: true,
		Rtable:     []*node.RangeTblEntry{{Rtekind: node.RTESubquery, Subquery: in, Eref: eref, InFromCl: true, Lateral: true}},
		Jointree:   &node.FromExpr{Fromlist: []node.Node{&node.RangeTblRef{Rtindex: 1}}},
		TargetList: []*node.TargetEntry{{Expr: e, Resno: 1, Resname: "?column?"}}}
	return &node.SubLink{SubLinkType: node.ExprSublink, Subselect: q, Location: -1}
}

func columns(q *node.Query) int {
	n := 0
	for _, te := range q.TargetList {
		if !te.Resjunk {
			n++
		}
	}
	return n
}

// over makes a query with q as its only FROM item; row and its variables are
// returned for the caller to use.
func over(q *node.Query) (*node.Query, []*node.Var) {
	eref := &node.Alias{Aliasname: "body"}
	var vars []*node.Var
	for _, te := range q.TargetList {
		if te.Resjunk {
			continue
		}
		eref.Colnames = append(eref.Colnames, te.Resname)
		vars = append(vars, &node.Var{Varno: 1, Varattno: te.Resno, Vartype: node.ExprType(te.Expr), Vartypmod: typmodOf(te.Expr),
			Varcollid: collationOf(te.Expr), Varnosyn: 1, Varattnosyn: te.Resno, Location: -1})
	}
	return &node.Query{CommandType: node.CmdSelect, CanSetTag: true,
		Rtable:   []*node.RangeTblEntry{{Rtekind: node.RTESubquery, Subquery: q, Eref: eref, InFromCl: true}},
		Jointree: &node.FromExpr{Fromlist: []node.Node{&node.RangeTblRef{Rtindex: 1}}}}, vars
}

// rowQuery makes one composite column of a query's columns.
func rowQuery(q *node.Query, typ oid.OID) *node.Query {
	out, vars := over(q)
	row := &node.RowExpr{RowTypeid: typ, RowFormat: node.CoerceExplicitCall, Location: -1}
	for i, v := range vars {
		row.Args, row.Colnames = append(row.Args, v), append(row.Colnames, out.Rtable[0].Eref.Colnames[i])
	}
	out.TargetList = []*node.TargetEntry{{Expr: row, Resno: 1, Resname: "row"}}
	return out
}

// inlineSetFunctions turns set-returning SQL functions in FROM into subqueries.
func (r *root) inlineSetFunctions() error {
	for k, rte := range r.q.Rtable {
		if rte.Rtekind != node.RTEFunction || len(rte.Functions) != 1 || rte.Funcordinality {
			continue
		}
		x, ok := rte.Functions[0].Funcexpr.(*node.FuncExpr)
		if !ok || !x.Funcretset {
			continue
		}
		args, err := r.cat.Arguments(x)
		if err != nil {
			continue
		}
		c := *x
		c.Args = args
		f, err := r.cat.SQLFunc(&c)
		if err != nil {
			return err
		}
		if f == nil || slices.ContainsFunc(args, func(a node.Node) bool { return r.hasVolatile(a) }) {
			continue
		}
		if r.depth++; r.depth > maxInline {
			return pgerr.New(pgerr.StatementTooComplex, "stack depth limit exceeded")
		}
		r.stmt.Functions = append(r.stmt.Functions, x.Funcid)
		body := f.Body.Copy().(*node.Query)
		if f.Strict && len(args) > 0 {
			body = r.strictQuery(body, args)
		}
		body = bindParams(&node.SubLink{Subselect: body}, args, 0).(*node.SubLink).Subselect.(*node.Query)
		n := *rte
		n.Rtekind, n.Subquery, n.Functions, n.Lateral = node.RTESubquery, body, nil, true
		for i, t := range r.stmt.Rtable {
			if t == rte {
				r.stmt.Rtable[i] = &n
			}
		}
		r.q.Rtable[k] = &n
	}
	return nil
}

// strictQuery is q, but without rows if a parameter is NULL.
func (r *root) strictQuery(q *node.Query, args []node.Node) *node.Query {
	out, vars := over(q)
	var tests []node.Node
	for i, a := range args {
		p := &node.Param{Paramkind: node.ParamExtern, Paramid: i + 1, Paramtype: node.ExprType(a), Paramtypmod: -1, Location: -1}
		tests = append(tests, &node.NullTest{Arg: p, Nulltesttype: node.IsNotNull, Location: -1})
	}
	out.Jointree.Quals = makeAnd(tests)
	for i, v := range vars {
		out.TargetList = append(out.TargetList, &node.TargetEntry{Expr: v, Resno: i + 1, Resname: out.Rtable[0].Eref.Colnames[i]})
	}
	return out
}
