package plan

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// rel is a set of range table entries that is joined, or one of them.
type rel struct {
	ids                relids
	rows               float64
	width              float64
	paths              []*path
	fast               bool // startup costs matter
	fastParams         bool
	rti                int // of a base relation, else 0
	rte                *node.RangeTblEntry
	quals              []*qual // of a base relation: what can be checked on it alone
	lateral            relids  // entries that a base relation's function or subquery refers to
	needs              []need  // their variables, as parameters
	table              *access.Relation
	tuples             float64
	pages              float64
	visible            float64 // share of all-visible pages
	indexes            []*Index
	subplan            Plan
	subroot            *root
	empty              bool // proved to have no rows
	cheapest, quickest *path
	params             []*path // cheapest ones for each set of parameters
	unique             map[*special]*path
	infos              []*paramInfo
}

// paramInfo is what all paths of a base relation with the same parameters check.
type paramInfo struct {
	needs relids
	quals []*qual
	rows  float64
}

// baseRel builds the relation of an entry, with its conditions and size.
func (r *root) baseRel(rti int) (*rel, error) {
	rte := r.rte(rti)
	b := &rel{ids: single(rti), rti: rti, rte: rte, quals: r.baseQuals[rti], fast: r.fraction > 0, unique: map[*special]*path{}}
	for _, s := range r.specials {
		if (s.kind == node.JoinSemi || s.kind == node.JoinAnti) && s.synR.equal(b.ids) {
			b.fastParams = true
		}
	}
	r.rels[rti] = b
	b.width = r.tlistWidth(r.varTlist(b.ids))
	var err error
	switch rte.Rtekind {
	case node.RTERelation:
		if err = r.sizeTable(b); err == nil {
			b.width = r.tlistWidth(r.varTlist(b.ids))
		}
	case node.RTESubquery:
		err = r.planFromSubquery(b)
		b.width = r.tlistWidth(r.varTlist(b.ids))
	case node.RTEFunction:
		for _, f := range rte.Functions {
			b.tuples = math.Max(b.tuples, r.setRows(f.Funcexpr))
		}
		err = r.lateralNeeds(b, func(do func(node.Node) node.Node) {
			c := *rte
			c.Functions = slices.Clone(rte.Functions)
			for i, f := range c.Functions {
				d := *f
				d.Funcexpr = do(f.Funcexpr)
				c.Functions[i] = &d
			}
			b.rte = &c
		})
	case node.RTEValues:
		b.tuples = float64(len(rte.ValuesLists))
		err = r.lateralNeeds(b, func(do func(node.Node) node.Node) {
			c := *rte
			c.ValuesLists = make([][]node.Node, len(rte.ValuesLists))
			for i, row := range rte.ValuesLists {
				for _, e := range row {
					c.ValuesLists[i] = append(c.ValuesLists[i], do(e))
				}
			}
			b.rte = &c
		})
	case node.RTECTE:
		var c *cte
		if c, err = r.findCTE(rte); err == nil {
			b.tuples = math.Max(c.rows, 1)
		}
	case node.RTEResult:
		b.tuples = 1
	default:
		err = pgerr.NotYet("range table entry of kind %d", rte.Rtekind)
	}
	if err != nil {
		return nil, err
	}
	b.rows = clamp(b.tuples * r.selectivity(b.quals, nil))
	b.empty = excluded(b.quals)
	return b, nil
}

// excluded reports whether a condition is the constant false or NULL.
func excluded(quals []*qual) bool {
	if len(quals) != 1 {
		return false
	}
	return slices.ContainsFunc(quals, func(q *qual) bool {
		k, ok := isConst(q.e)
		return ok && (k.Constisnull || !k.Constvalue.Bool())
	})
}

// dummy makes b a relation without rows.
func (r *root) dummy(b *rel) {
	b.empty, b.rows = true, 0
	b.paths = nil
	p := &path{rows: 0, width: b.width}
	p.make = func() (Plan, error) {
		s := &Result{ResConstantQual: []node.Node{boolConst(false)}}
		s.TargetList = r.varTlist(b.ids)
		return s, nil
	}
	b.paths = []*path{p}
	p.rel = b
	r.finishRel(b)
}

// finishRel picks the cheapest paths of a relation.
func (r *root) finishRel(b *rel) {
	b.cheapest, b.quickest, b.params = nil, nil, nil
	for _, p := range b.paths {
		if p.needs.empty() {
			if b.cheapest == nil || cheaper(p, b.cheapest, false) {
				b.cheapest = p
			}
			if b.quickest == nil || cheaper(p, b.quickest, true) {
				b.quickest = p
			}
		}
	}
	if b.cheapest != nil {
		b.params = append(b.params, b.cheapest)
	}
	for _, p := range b.paths {
		if !p.needs.empty() {
			b.params = append(b.params, p)
		}
	}
	if b.cheapest == nil { // LATERAL: the one with the fewest parameters
		for _, p := range b.paths {
			if b.cheapest == nil || p.needs.in(b.cheapest.needs) && (!b.cheapest.needs.in(p.needs) || p.total < b.cheapest.total) {
				b.cheapest = p
			}
		}
		b.quickest = nil
	}
}

// lateralNeeds replaces references to other entries of this level by parameters.
func (r *root) lateralNeeds(b *rel, apply func(do func(node.Node) node.Node)) error {
	apply(func(e node.Node) node.Node {
		return node.Mutate(e, func(n node.Node) (node.Node, bool) {
			v, ok := n.(*node.Var)
			if !ok || v.Varlevelsup != 0 {
				return nil, false
			}
			b.lateral = b.lateral.with(v.Varno)
			for _, k := range b.needs {
				if node.Equal(k.expr, v) {
					return paramFor(v, k.param), true
				}
			}
			k := need{expr: v, param: r.newParam()}
			b.needs = append(b.needs, k)
			return paramFor(v, k.param), true
		})
	})
	return nil
}

// planFromSubquery plans a subquery in FROM.
func (r *root) planFromSubquery(b *rel) error {
	q := r.pushDown(b)
	p, s, needs, err := r.planSub(q, 0)
	if err != nil {
		return err
	}
	for _, n := range needs {
		b.needs = append(b.needs, n)
		b.lateral = b.lateral.union(varsOf(n.expr))
	}
	b.subplan, b.subroot, b.tuples = p, s, math.Max(p.Common().Rows, 1)
	return nil
}

// pushDown moves conditions on a subquery's columns into it where that changes
// nothing: plain and grouped subqueries without limits or windows.
func (r *root) pushDown(b *rel) *node.Query {
	q := b.rte.Subquery
	if b.rte.SecurityBarrier || q.SetOperations != nil || q.LimitCount != nil || q.LimitOffset != nil || q.HasWindowFuncs || q.HasTargetSRFs ||
		q.HasDistinctOn || len(q.GroupingSets) > 0 || q.HasModifyingCTE || len(q.RowMarks) > 0 {
		return q
	}
	c := *q
	var keep []*qual
	for _, k := range b.quals {
		if k.volatile || node.Any(k.e, func(n node.Node) bool {
			switch n.(type) {
			case *node.SubPlan, *node.Param:
				return true
			}
			return false
		}) {
			keep = append(keep, k)
			continue
		}
		ok := true
		e := replaceVars(k.e, b.rti, func(v *node.Var) node.Node {
			if v.Varattno <= 0 {
				ok = false
				return v
			}
			x := nonJunk(q.TargetList, v.Varattno)
			ok = ok && !r.hasVolatile(x) && !node.Any(x, func(n node.Node) bool { _, s := n.(*node.SubLink); return s })
			return x
		})
		if !ok || q.HasAggs && len(q.GroupClause) == 0 {
			keep = append(keep, k)
			continue
		}
		if q.HasAggs || len(q.GroupClause) > 0 {
			c.HavingQual = makeAnd(append(andList(c.HavingQual), e))
			continue
		}
		f := *c.Jointree
		f.Quals = makeAnd(append(andList(f.Quals), e))
		c.Jointree = &f
	}
	b.quals = keep
	return &c
}

// setRows estimates how many rows a function returns.
func (r *root) setRows(e node.Node) float64 {
	f, ok := e.(*node.FuncExpr)
	if !ok || !f.Funcretset {
		return 1
	}
	info, err := r.cat.Func(f.Funcid)
	if err != nil || info.Rows <= 0 {
		return 1000
	}
	if info.Name == "unnest" && len(f.Args) == 1 {
		return r.arrayLength(f.Args[0])
	}
	if len(f.Args) >= 2 && info.Name == "generate_series" {
		lo, ok1 := isConst(f.Args[0])
		hi, ok2 := isConst(f.Args[1])
		if ok1 && ok2 && !lo.Constisnull && !hi.Constisnull && lo.Constbyval && hi.Constbyval && len(f.Args) == 2 {
			return math.Max(1, float64(hi.Constvalue.Int-lo.Constvalue.Int+1))
		}
	}
	return info.Rows
}

// sizeTable opens a table and estimates its rows from its present length.
func (r *root) sizeTable(b *rel) error {
	t, err := r.cat.Relation(b.rte.Relid)
	if err != nil {
		return err
	}
	if t == nil {
		return pgerr.New(pgerr.UndefinedTable, "could not open relation with OID %d", b.rte.Relid)
	}
	b.table = t
	if t.Kind == 'v' || t.Kind == 'f' || t.Kind == 'p' {
		return pgerr.NotYet("a plan for relation %q", t.Name)
	}
	s, err := r.cat.Size(t)
	if err != nil {
		return err
	}
	if s.Inherited && b.rte.Inh {
		return pgerr.NotYet("inheritance (relation %q)", t.Name)
	}
	b.pages = s.Pages
	if s.RelTuples < 0 && b.pages < 10 {
		b.pages = 10 // never analyzed: it may grow soon
	}
	switch {
	case b.pages == 0:
	case s.RelTuples >= 0 && s.RelPages > 0:
		b.tuples = math.RoundToEven(s.RelTuples / s.RelPages * b.pages)
	default:
		width := 0.0
		for i := range t.Desc.Attrs {
			width += r.attrWidth(b, i+1)
		}
		width = math.Floor(width) + 24 + 4
		b.tuples = math.RoundToEven(math.Floor((8192-24)/width) * b.pages)
	}
	if s.AllVisible > 0 && b.pages > 0 {
		b.visible = math.Min(1, s.AllVisible/b.pages)
	}
	r.totalPages += b.pages
	if b.indexes, err = r.cat.Indexes(t); err != nil {
		return err
	}
	slices.Reverse(b.indexes) // the newest first, as PostgreSQL lists them
	for _, ix := range b.indexes {
		if len(ix.Pred) == 0 || ix.Tuples > b.tuples {
			ix.Tuples = b.tuples
		}
	}
	return nil
}
