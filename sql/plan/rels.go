package plan

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// rel is a set of range table entries that is joined, or one of them.
type rel struct {
	ids     relids
	rows    float64
	width   int
	paths   []*path
	rti     int // of a base relation, else 0
	rte     *node.RangeTblEntry
	quals   []*qual // of a base relation: what can be checked on it alone
	lateral relids  // entries that a base relation's function or subquery refers to
	needs   []need  // their variables, as parameters
	table   *access.Relation
	tuples  float64
	pages   float64
	visible float64 // share of all-visible pages
	indexes []*Index
	subplan Plan
	subroot *root
	pruned  bool
	attrs   map[int]bool // columns needed above the scan
}

// qual is a condition with what the planner knows of it.
type qual struct {
	e    node.Node
	need relids // entries that it names
	sel  float64
	// An equality that can be hashed or merged, with one side each in disjoint
	// sets of entries.
	left, right   node.Node
	leftR, rightR relids
	op            oid.OID
	families      []FamilyMember
	canHash       bool
	outer         bool // from ON of an outer join: a join condition, no filter
	volatile      bool
}

// item is a member of a join group: a base relation, or an outer or semi join
// whose sides are groups of their own.
type item struct {
	ids   relids
	rti   int
	kind  node.JoinType
	left  *group
	right *group
	on    []*qual
	above []*qual // conditions that apply after the join
}

// group is a set of items that may be joined in any order.
type group struct {
	items []*item
	quals []*qual
}

func (g *group) ids() relids {
	var s relids
	for _, i := range g.items {
		s = s.union(i.ids)
	}
	return s
}

// makeQual analyses a condition.
func (r *root) makeQual(e node.Node) *qual {
	q := &qual{e: e, need: varsOf(e), sel: -1, volatile: r.hasVolatile(e)}
	op, ok := e.(*node.OpExpr)
	if !ok || len(op.Args) != 2 || q.volatile {
		return q
	}
	q.left, q.right = op.Args[0], op.Args[1]
	q.leftR, q.rightR = varsOf(q.left), varsOf(q.right)
	if q.leftR.empty() || q.rightR.empty() || q.leftR.overlaps(q.rightR) {
		q.leftR, q.rightR = nil, nil
		return q
	}
	o, err := r.cat.Operator(op.Opno)
	if err != nil {
		return q
	}
	q.op, q.canHash = op.Opno, o.CanHash && r.hashTypes(node.ExprType(q.left), node.ExprType(q.right))
	if o.CanMerge {
		q.families, _ = r.cat.Families(op.Opno)
	}
	return q
}

// hashTypes reports whether the executor can hash values of both types alike.
func (r *root) hashTypes(l, t oid.OID) bool {
	if l == oid.Record || t == oid.Record || l == oid.TimeTZ || l == oid.JSONB || l == oid.Money {
		return false
	}
	if l == t {
		return true
	}
	class := func(o oid.OID) int {
		switch o {
		case oid.Int2, oid.Int4, oid.Int8:
			return 1
		case oid.Text, oid.Varchar, oid.Name:
			return 2
		case oid.Float4, oid.Float8:
			return 3
		case oid.Oid, oid.RegClass, oid.RegProc, oid.RegType, oid.RegProcedure, oid.RegOper, oid.RegOperator, oid.RegNamespace, oid.RegRole:
			return 4
		}
		return 0
	}
	return class(l) != 0 && class(l) == class(t)
}

// deconstruct turns a join tree into groups. above are conditions from higher up
// that may be checked here.
func (r *root) deconstruct(n node.Node, above []node.Node) (*group, error) {
	g := &group{}
	quals := slices.Clone(above)
	if err := r.collect(n, g, &quals); err != nil {
		return nil, err
	}
	// Conditions that reject NULLs make outer joins below them inner joins, which
	// dissolve into the group.
	for {
		again := false
		for i, it := range g.items {
			if it.left == nil {
				continue
			}
			if r.reduce(it, quals); it.kind == node.JoinInner {
				for _, q := range it.on {
					quals = append(quals, q.e)
				}
				for _, q := range it.above {
					quals = append(quals, q.e)
				}
				g.items = slices.Delete(g.items, i, i+1)
				for _, side := range []*group{it.left, it.right} {
					g.items = append(g.items, side.items...)
					for _, q := range side.quals {
						quals = append(quals, q.e)
					}
				}
				again = true
				break
			}
		}
		if !again {
			break
		}
	}
	for _, e := range quals {
		r.place(g, r.makeQual(e))
	}
	return g, nil
}

// collect adds the items of a join tree to g; inner joins dissolve.
func (r *root) collect(n node.Node, g *group, quals *[]node.Node) error {
	switch j := n.(type) {
	case *node.RangeTblRef:
		g.items = append(g.items, &item{ids: single(j.Rtindex), rti: j.Rtindex})
		return nil
	case *node.FromExpr:
		for _, k := range j.Fromlist {
			if err := r.collect(k, g, quals); err != nil {
				return err
			}
		}
		*quals = append(*quals, andList(j.Quals)...)
		return nil
	case *node.JoinExpr:
		if j.Jointype == node.JoinInner {
			if err := r.collect(j.Larg, g, quals); err != nil {
				return err
			}
			if err := r.collect(j.Rarg, g, quals); err != nil {
				return err
			}
			*quals = append(*quals, andList(j.Quals)...)
			return nil
		}
		return r.collectOuter(j, g, quals)
	}
	return pgerr.New(pgerr.InternalError, "unrecognized node %T in a join tree", n)
}

// collectOuter adds an outer, semi or anti join. RIGHT becomes LEFT.
func (r *root) collectOuter(j *node.JoinExpr, g *group, quals *[]node.Node) error {
	larg, rarg, kind := j.Larg, j.Rarg, j.Jointype
	if kind == node.JoinRight {
		larg, rarg, kind = rarg, larg, node.JoinLeft
	}
	it := &item{kind: kind, ids: treeRels(larg).union(treeRels(rarg))}
	lids, rids := treeRels(larg), treeRels(rarg)
	var push []node.Node // conditions of ON that only limit the right side
	for _, e := range andList(j.Quals) {
		q := r.makeQual(e)
		q.outer = true
		if kind != node.JoinFull && q.need.in(rids) && !q.need.empty() && !q.volatile {
			push = append(push, e)
			continue
		}
		if kind == node.JoinSemi && q.need.in(lids) && !q.need.empty() && !q.volatile {
			*quals = append(*quals, e)
			continue
		}
		it.on = append(it.on, q)
	}
	var err error
	if it.left, err = r.deconstruct(larg, nil); err != nil {
		return err
	}
	if it.right, err = r.deconstruct(rarg, push); err != nil {
		return err
	}
	// A pulled up LATERAL subquery's conditions on the left side are conditions of
	// the join.
	it.right.quals = slices.DeleteFunc(it.right.quals, func(q *qual) bool {
		if kind == node.JoinFull || q.need.in(rids) {
			return false
		}
		q.outer = true
		it.on = append(it.on, q)
		return true
	})
	g.items = append(g.items, it)
	return nil
}

// reduce turns an outer join into a stricter one when a condition above it is
// false for the rows that it would add.
func (r *root) reduce(it *item, quals []node.Node) {
	var strict relids
	for _, e := range quals {
		strict = strict.union(r.nonNullable(e))
	}
	l, rt := it.left.ids(), it.right.ids()
	switch it.kind {
	case node.JoinLeft:
		if strict.overlaps(rt) {
			it.kind = node.JoinInner
		}
	case node.JoinFull:
		switch {
		case strict.overlaps(l) && strict.overlaps(rt):
			it.kind = node.JoinInner
		case strict.overlaps(l):
			it.kind = node.JoinLeft
		case strict.overlaps(rt):
			it.left, it.right, it.kind = it.right, it.left, node.JoinLeft
		}
	}
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

// place puts a condition as low as it can be checked.
func (r *root) place(g *group, q *qual) {
	if q.volatile || q.need.empty() {
		g.quals = append(g.quals, q)
		return
	}
	for _, it := range g.items {
		if !q.need.in(it.ids) {
			continue
		}
		if it.left == nil {
			break // a base relation: its scan picks the condition up
		}
		preserved := it.left.ids()
		switch {
		case q.need.in(preserved) && it.kind != node.JoinFull:
			r.place(it.left, q)
			return
		default:
			it.above = append(it.above, q)
			return
		}
	}
	g.quals = append(g.quals, q)
}

// baseRel builds the relation of an entry, with its conditions and size.
func (r *root) baseRel(rti int, quals []*qual) (*rel, error) {
	rte := r.rte(rti)
	b := &rel{ids: single(rti), rti: rti, rte: rte, quals: quals, attrs: map[int]bool{}}
	r.rels[rti] = b
	var err error
	switch rte.Rtekind {
	case node.RTERelation:
		err = r.sizeTable(b)
	case node.RTESubquery:
		err = r.planFromSubquery(b)
	case node.RTEFunction:
		b.tuples = 1
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
	b.rows = clamp(b.tuples * r.selectivity(b.quals, b.ids))
	b.width = 8 * max(1, len(b.attrs))
	r.scanPaths(b)
	return b, nil
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
	if len(f.Args) >= 2 && info.Name == "generate_series" {
		lo, ok1 := isConst(f.Args[0])
		hi, ok2 := isConst(f.Args[1])
		if ok1 && ok2 && !lo.Constisnull && !hi.Constisnull && lo.Constbyval && hi.Constbyval && len(f.Args) == 2 {
			return math.Max(1, float64(hi.Constvalue.Int-lo.Constvalue.Int+1))
		}
	}
	return info.Rows
}

func clamp(rows float64) float64 {
	if math.IsNaN(rows) || rows < 1 {
		return 1
	}
	return math.Min(math.Round(rows), 1e100)
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
	case s.RelTuples >= 0 && s.RelPages > 0:
		b.tuples = math.Round(s.RelTuples / s.RelPages * b.pages)
	default:
		width := 24.0 + 4
		for i := range t.Desc.Attrs {
			a := &t.Desc.Attrs[i]
			if a.Len > 0 {
				width += float64(a.Len)
			} else {
				width += 32
			}
		}
		b.tuples = math.Round((8192 - 24) / width * b.pages)
	}
	if s.RelPages > 0 {
		b.visible = math.Min(1, s.AllVisible/math.Max(s.RelPages, 1))
	}
	b.indexes, err = r.cat.Indexes(t)
	return err
}
