package plan

import (
	"github.com/pgmini/pgmini/sql/node"
)

// reduceOuter makes outer joins stricter where a condition above them is false for
// the rows that they would add: LEFT becomes INNER, or ANTI where a column is
// asked to be NULL that the join's condition has not NULL. RIGHT becomes LEFT.
// strict are the entries that cannot be nulled, forced those columns that are
// asked to be NULL.
func (r *root) reduceOuter(n node.Node, strict relids, forced []*node.Var) node.Node {
	switch j := n.(type) {
	case *node.FromExpr:
		quals := andList(j.Quals)
		for _, e := range quals {
			strict = strict.union(r.nonNullable(e))
			forced = append(forced[:len(forced):len(forced)], forcedNull(e)...)
		}
		c := *j
		c.Fromlist = nil
		for _, k := range j.Fromlist {
			c.Fromlist = append(c.Fromlist, r.reduceOuter(k, strict, forced))
		}
		return &c
	case *node.JoinExpr:
		return r.reduceJoin(j, strict, forced)
	}
	return n
}

func (r *root) reduceJoin(j *node.JoinExpr, strict relids, forced []*node.Var) node.Node {
	c := *j
	l, rt := treeRels(j.Larg), treeRels(j.Rarg)
	switch c.Jointype {
	case node.JoinLeft:
		if strict.overlaps(rt) {
			c.Jointype = node.JoinInner
		}
	case node.JoinRight:
		if strict.overlaps(l) {
			c.Jointype = node.JoinInner
		}
	case node.JoinFull:
		switch {
		case strict.overlaps(l) && strict.overlaps(rt):
			c.Jointype = node.JoinInner
		case strict.overlaps(l):
			c.Jointype = node.JoinLeft
		case strict.overlaps(rt):
			c.Jointype = node.JoinRight
		}
	}
	if c.Jointype == node.JoinRight {
		c.Larg, c.Rarg, c.Jointype = c.Rarg, c.Larg, node.JoinLeft
		l, rt = rt, l
	}
	var own relids
	var null []*node.Var
	for _, e := range andList(c.Quals) {
		own = own.union(r.nonNullable(e))
		null = append(null, forcedNull(e)...)
	}
	if c.Jointype == node.JoinLeft {
		var cols []*node.Var
		for _, e := range andList(c.Quals) {
			cols = append(cols, r.strictColumns(e)...)
		}
		for _, f := range forced {
			for _, v := range cols {
				if rt.has(f.Varno) && v.Varno == f.Varno && v.Varattno == f.Varattno {
					c.Jointype = node.JoinAnti
				}
			}
		}
	}
	ls, rs := strict, strict
	lf, rf := forced, forced
	switch c.Jointype {
	case node.JoinInner, node.JoinSemi:
		ls, rs = strict.union(own), strict.union(own)
		lf, rf = append(lf[:len(lf):len(lf)], null...), append(rf[:len(rf):len(rf)], null...)
	case node.JoinLeft, node.JoinAnti:
		rs, rf = own, null
		if c.Jointype == node.JoinLeft {
			rs = own.union(strict) // strict conditions above hold below as well
			rs = own
		}
	case node.JoinFull:
		ls, rs, lf, rf = nil, nil, nil, nil
	}
	c.Larg, c.Rarg = r.reduceOuter(c.Larg, ls, lf), r.reduceOuter(c.Rarg, rs, rf)
	return &c
}

// forcedNull is the column that a condition x IS NULL asks to be NULL.
func forcedNull(e node.Node) []*node.Var {
	if t, ok := e.(*node.NullTest); ok && t.Nulltesttype == node.IsNull && !t.Argisrow {
		if v, ok := t.Arg.(*node.Var); ok && v.Varlevelsup == 0 && v.Varattno > 0 {
			return []*node.Var{v}
		}
	}
	return nil
}

// strictColumns are the columns whose NULLs make e not true.
func (r *root) strictColumns(e node.Node) []*node.Var {
	var args []node.Node
	switch x := e.(type) {
	case *node.Var:
		return []*node.Var{x}
	case *node.RelabelType:
		return r.strictColumns(x.Arg)
	case *node.OpExpr:
		if o, err := r.cat.Operator(x.Opno); err == nil && o.Strict {
			args = x.Args
		}
	case *node.FuncExpr:
		if f, err := r.cat.Func(x.Funcid); err == nil && f.Strict && !f.RetSet {
			args = x.Args
		}
	case *node.NullTest:
		if x.Nulltesttype == node.IsNotNull && !x.Argisrow {
			args = []node.Node{x.Arg}
		}
	}
	var out []*node.Var
	for _, a := range args {
		out = append(out, r.strictColumns(a)...)
	}
	return out
}

// nonNullable is the entries that cannot be NULL-extended where e is true.
func (r *root) nonNullable(e node.Node) relids {
	switch x := e.(type) {
	case *node.OpExpr:
		o, err := r.cat.Operator(x.Opno)
		if err != nil || !o.Strict {
			return nil
		}
		var s relids
		for _, a := range x.Args {
			s = s.union(r.strictVars(a))
		}
		return s
	case *node.NullTest:
		if x.Nulltesttype == node.IsNotNull && !x.Argisrow {
			return r.strictVars(x.Arg)
		}
	case *node.ScalarArrayOpExpr:
		if x.UseOr {
			return r.strictVars(x.Args[0])
		}
	case *node.BoolExpr:
		switch x.Boolop {
		case node.AndExpr:
			var s relids
			for _, a := range x.Args {
				s = s.union(r.nonNullable(a))
			}
			return s
		case node.OrExpr:
			s := r.nonNullable(x.Args[0])
			for _, a := range x.Args[1:] {
				t := r.nonNullable(a)
				s = s.minus(s.minus(t))
			}
			return s
		}
	case *node.Var:
		return single(x.Varno)
	}
	return nil
}

// strictVars is the entries whose NULLs make e NULL.
func (r *root) strictVars(e node.Node) relids {
	switch x := e.(type) {
	case *node.Var:
		return single(x.Varno)
	case *node.RelabelType:
		return r.strictVars(x.Arg)
	case *node.FuncExpr:
		if f, err := r.cat.Func(x.Funcid); err == nil && f.Strict {
			var s relids
			for _, a := range x.Args {
				s = s.union(r.strictVars(a))
			}
			return s
		}
	case *node.OpExpr:
		return r.nonNullable(x)
	}
	return nil
}
