package plan

import (
	"slices"

	"github.com/pgmini/pgmini/sql/node"
)

// impliedBy reports whether conditions imply the predicate of a partial index.
func (r *root) impliedBy(b *rel, ix *Index, quals []*qual) bool {
	for _, p := range r.indexPreds(b, ix) {
		if !slices.ContainsFunc(quals, func(q *qual) bool { return r.implies(q.e, p) }) {
			return false
		}
	}
	return true
}

func (r *root) implies(q, p node.Node) bool {
	if node.Equal(q, p) {
		return true
	}
	if t, ok := p.(*node.NullTest); ok && t.Nulltesttype == node.IsNotNull {
		if op, ok := q.(*node.OpExpr); ok {
			if o, err := r.cat.Operator(op.Opno); err == nil && o.Strict {
				return slices.ContainsFunc(op.Args, func(a node.Node) bool { return node.Equal(bare(a), bare(t.Arg)) })
			}
		}
	}
	return r.rangeImplies(q, p)
}

func (r *root) rangeImplies(q, p node.Node) bool {
	a, ok1 := q.(*node.OpExpr)
	b, ok2 := p.(*node.OpExpr)
	if !ok1 || !ok2 || len(a.Args) != 2 || len(b.Args) != 2 || !node.Equal(a.Args[0], b.Args[0]) {
		return false
	}
	ka, ok1 := isConst(a.Args[1])
	kb, ok2 := isConst(b.Args[1])
	if !ok1 || !ok2 || ka.Consttype != kb.Consttype || ka.Constisnull || kb.Constisnull {
		return false
	}
	cmp, err := r.cat.Compare(ka.Consttype, a.Inputcollid)
	if err != nil {
		return false
	}
	fa, err1 := r.cat.Families(a.Opno)
	fb, err2 := r.cat.Families(b.Opno)
	if err1 != nil || err2 != nil {
		return false
	}
	for _, x := range fa {
		for _, y := range fb {
			if x.Family != y.Family {
				continue
			}
			c := cmp(ka.Constvalue, kb.Constvalue)
			switch x.Strategy {
			case 1, 2:
				return y.Strategy == 2 && c <= 0 || y.Strategy == 1 && (c < 0 || c == 0 && x.Strategy == 1)
			case 4, 5:
				return y.Strategy == 4 && c >= 0 || y.Strategy == 5 && (c > 0 || c == 0 && x.Strategy == 5)
			case 3:
				switch y.Strategy {
				case 1:
					return c < 0
				case 2:
					return c <= 0
				case 3:
					return c == 0
				case 4:
					return c >= 0
				case 5:
					return c > 0
				}
			}
		}
	}
	return false
}
