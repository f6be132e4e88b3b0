package plan

import (
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// scanPaths adds the ways to scan a base relation.
func (r *root) scanPaths(b *rel) {
	if b.empty {
		r.dummy(b)
		return
	}
	if b.table != nil {
		r.tablePaths(b)
		r.finishRel(b)
		return
	}
	p := &path{rel: b, rows: b.rows, needs: b.lateral, width: b.width}
	p.make = func() (Plan, error) { return r.makeScan(b, p) }
	quals := b.quals
	if !b.lateral.empty() {
		in := r.info(b, b.lateral)
		p.rows, p.covered = in.rows, in.quals
		quals = append(slices.Clone(in.quals), quals...)
	}
	c := r.qualCost(quals)
	per := r.set.CPUTupleCost + c.per
	switch b.rte.Rtekind {
	case node.RTESubquery:
		r.subqueryPath(b, p, quals, c)
	case node.RTEFunction:
		for _, f := range b.rte.Functions {
			x := r.exprCost(f.Funcexpr)
			p.startup += x.startup + x.per
		}
		p.startup += c.startup
		p.total = p.startup + per*b.tuples
		p.rescan = func() (float64, float64) { return 0, p.total - p.startup }
		p.keepsRows = true
	case node.RTEValues:
		p.startup = c.startup
		p.total = p.startup + (per+r.set.CPUOperatorCost)*b.tuples
	case node.RTECTE:
		p.startup = c.startup
		p.total = p.startup + (per+r.set.CPUTupleCost)*b.tuples
		p.rescan = func() (float64, float64) { return 0, r.keptRescan(p.rows, p.width, r.set.CPUTupleCost) }
		p.keepsRows = true
	default:
		p.startup = c.startup
		p.total = p.startup + per
	}
	b.add(p)
	r.finishRel(b)
}

// subqueryPath reads a subquery's plan, or passes it on if it has nothing to add.
func (r *root) subqueryPath(b *rel, p *path, quals []*qual, c cost) {
	in := b.subplan.Common()
	p.startup, p.total = in.StartupCost, in.TotalCost
	p.keys = r.outerKeys(b)
	p.rescan = func() (float64, float64) { return p.startup, p.total }
	p.startup += c.startup
	p.total += c.startup + (r.set.CPUTupleCost+c.per)*b.tuples
}

// outerKeys are the keys of a subquery's order in terms of its columns.
func (r *root) outerKeys(b *rel) []sortKey {
	s := b.subroot
	if s == nil || s.top == nil {
		return nil
	}
	var out []sortKey
	for _, k := range s.top.keys {
		found := false
		for i, te := range s.final {
			if te.Resjunk || !slices.ContainsFunc(k.ec.top().members, func(m *member) bool { return node.Equal(bare(m.e), bare(te.Expr)) }) {
				continue
			}
			v := &node.Var{Varno: b.rti, Varattno: i + 1, Vartype: node.ExprType(te.Expr), Vartypmod: typmodOf(te.Expr), Varcollid: collationOf(te.Expr), Varnosyn: b.rti, Varattnosyn: i + 1, Location: -1}
			t := r.classType(k.family, v.Vartype)
			if t == oid.Invalid {
				break
			}
			n := sortKey{ec: r.classOf(v, k.family, k.collation, t), e: v, family: k.family, collation: k.collation, desc: k.desc, nullsFirst: k.nullsFirst}
			out, found = appendKey(out, n), true
			break
		}
		if !found {
			break
		}
	}
	return r.useful(b, out)
}

func (r *root) tablePaths(b *rel) {
	if r.currentOf(b) {
		return
	}
	seq := &path{rows: b.rows, width: b.width, needs: b.lateral}
	c := r.qualCost(b.quals)
	seq.startup = c.startup
	seq.total = seq.startup + b.pages*r.set.SeqPageCost + b.tuples*(r.set.CPUTupleCost+c.per)
	if r.set.NoSeqScan {
		seq.startup += disabled
		seq.total += disabled
	}
	seq.make = func() (Plan, error) { return r.makeScan(b, seq) }
	b.add(seq)
	r.indexPaths(b)
	r.tidPaths(b)
}

// tidPaths looks for ctid = value.
func (r *root) tidPaths(b *rel) {
	for _, q := range b.quals {
		n := 0.0
		var e node.Node
		switch x := q.e.(type) {
		case *node.OpExpr:
			if len(x.Args) == 2 && (isCtid(x.Args[0], b.rti) && varsOf(x.Args[1]).empty() || isCtid(x.Args[1], b.rti) && varsOf(x.Args[0]).empty()) {
				if o, err := r.cat.Operator(x.Opno); err == nil && o.Name == "=" {
					e, n = x, 1
				}
			}
		case *node.ScalarArrayOpExpr:
			if x.UseOr && isCtid(x.Args[0], b.rti) && varsOf(x.Args[1]).empty() {
				if o, err := r.cat.Operator(x.Opno); err == nil && o.Name == "=" {
					e, n = x, 10
				}
			}
		}
		if e == nil {
			continue
		}
		if k, ok := e.(*node.ScalarArrayOpExpr); ok {
			n = r.arrayLength(k.Args[1])
		}
		p := &path{rows: b.rows, needs: b.lateral}
		t, c := r.exprCost(e), r.qualCost(b.quals)
		p.startup = t.startup + t.per + c.startup
		p.total = p.startup + n*r.set.RandomPageCost + n*(r.set.CPUTupleCost+c.per-t.per)
		if r.set.NoTidScan {
			p.startup, p.total = p.startup+disabled, p.total+disabled
		}
		p.make = func() (Plan, error) {
			s := &TidScan{TidQuals: []node.Node{e}}
			r.fillScan(&s.Scan, b, without(b.quals, q))
			return s, nil
		}
		b.add(p)
		return
	}
}

// currentOf adds the scan of WHERE CURRENT OF, which nothing else can do.
func (r *root) currentOf(b *rel) bool {
	for _, q := range b.quals {
		if _, ok := q.e.(*node.CurrentOfExpr); !ok {
			continue
		}
		p := &path{rows: 1, total: r.set.RandomPageCost + r.set.CPUTupleCost}
		p.make = func() (Plan, error) {
			s := &TidScan{TidQuals: []node.Node{q.e}}
			r.fillScan(&s.Scan, b, without(b.quals, q))
			return s, nil
		}
		b.add(p)
		return true
	}
	return false
}

func isCtid(e node.Node, rti int) bool {
	v, ok := e.(*node.Var)
	return ok && v.Varno == rti && v.Varattno == -1
}

func without(quals []*qual, drop ...*qual) []*qual {
	var out []*qual
	for _, q := range quals {
		if !slices.Contains(drop, q) {
			out = append(out, q)
		}
	}
	return out
}

// fillScan sets what all scans of b have: covered are the join conditions that
// its parameters let it check.
func (r *root) fillScan(s *Scan, b *rel, quals []*qual) {
	s.ScanRelid = b.rti
	s.TargetList = r.varTlist(b.ids)
	s.Qual = r.quals(quals)
}

// scanQuals are the conditions that a scan checks itself.
func (r *root) scanQuals(b *rel, p *path) []*qual {
	return append(slices.Clone(p.covered), b.quals...)
}

// quals are the expressions of conditions, cheap ones first, with variables of
// outer rows replaced by parameters.
func (r *root) quals(list []*qual) []node.Node {
	list = slices.DeleteFunc(slices.Clone(list), func(q *qual) bool { return q.pseudo })
	slices.SortStableFunc(list, func(a, b *qual) int {
		x, y := r.clauseCost(a).per, r.clauseCost(b).per
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	var out []node.Node
	for _, q := range list {
		out = append(out, r.nestParams(q.e))
	}
	return out
}

// neededVar is a variable that nodes above the scans use; at is the set of entries
// with which it is needed, 0 standing for the top.
type neededVar struct {
	v  *node.Var
	at relids
}

// varTlist lists the variables of the given entries that are needed above them.
func (r *root) varTlist(ids relids) []*node.TargetEntry {
	var out []*node.TargetEntry
	for _, n := range r.needed {
		if ids.has(n.v.Varno) && !n.at.in(ids) {
			out = append(out, &node.TargetEntry{Expr: n.v, Resno: len(out) + 1})
		}
	}
	return out
}

// nestParams replaces variables of outer rows by parameters that a nested loop
// sets.
func (r *root) nestParams(e node.Node) node.Node {
	if e == nil || r.outers.empty() || !varsOf(e).overlaps(r.outers) {
		return e
	}
	return node.Mutate(e, func(n node.Node) (node.Node, bool) {
		v, ok := n.(*node.Var)
		if !ok || v.Varlevelsup != 0 || !r.outers.has(v.Varno) {
			return nil, false
		}
		return paramFor(v, r.nestParam(v)), true
	})
}

// nestParam returns the parameter that carries v from an outer row.
func (r *root) nestParam(v *node.Var) int {
	for _, n := range r.nest {
		if node.Equal(n.Value, v) {
			return n.ParamNo
		}
	}
	p := r.newParam()
	r.nest = append(r.nest, NestLoopParam{ParamNo: p, Value: v})
	return p
}

// lateralParams passes on the values that b's function or subquery refers to.
func (r *root) lateralParams(b *rel) {
	for _, n := range b.needs {
		if !slices.ContainsFunc(r.nest, func(o NestLoopParam) bool { return o.ParamNo == n.param }) {
			r.nest = append(r.nest, NestLoopParam{ParamNo: n.param, Value: n.expr})
		}
	}
}

// makeScan builds a scan that needs no index.
func (r *root) makeScan(b *rel, p *path) (Plan, error) {
	plan, err := r.makeBareScan(b, p)
	if err != nil {
		return nil, err
	}
	return r.gate(plan, b.quals), nil
}

func (r *root) makeBareScan(b *rel, p *path) (Plan, error) {
	r.lateralParams(b)
	quals := r.scanQuals(b, p)
	switch b.rte.Rtekind {
	case node.RTERelation:
		s := &SeqScan{}
		r.fillScan(&s.Scan, b, quals)
		return s, nil
	case node.RTESubquery:
		s := &SubqueryScan{Subplan: b.subplan}
		r.fillScan(&s.Scan, b, quals)
		return s, nil
	case node.RTEFunction:
		s := &FunctionScan{Functions: b.rte.Functions, Ordinality: b.rte.Funcordinality}
		r.fillScan(&s.Scan, b, quals)
		return s, nil
	case node.RTEValues:
		s := &ValuesScan{ValuesLists: b.rte.ValuesLists}
		r.fillScan(&s.Scan, b, quals)
		return s, nil
	case node.RTECTE:
		c, err := r.findCTE(b.rte)
		if err != nil {
			return nil, err
		}
		if c.work {
			s := &WorkTableScan{WTParam: c.param}
			r.fillScan(&s.Scan, b, quals)
			return s, nil
		}
		s := &CteScan{CtePlanID: c.planID, CteParam: c.param}
		r.fillScan(&s.Scan, b, quals)
		return s, nil
	}
	s := &Result{}
	s.TargetList = r.varTlist(b.ids)
	s.ResConstantQual = r.quals(quals)
	return s, nil
}

// gate puts the conditions without variables in front of p.
func (r *root) gate(p Plan, quals []*qual) Plan {
	var once []node.Node
	for _, q := range quals {
		if q.pseudo {
			once = append(once, r.nestParams(q.e))
		}
	}
	if len(once) == 0 {
		return p
	}
	return &Result{Node: *outline(p), ResConstantQual: once}
}
