package plan

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// path is a way to produce the rows of a relation. make builds its plan; the
// target list is what the levels above need.
type path struct {
	rel     *rel
	startup float64
	total   float64
	rows    float64
	keys    []sortKey // the order of its rows
	needs   relids    // entries whose current row it takes as parameters
	make    func() (Plan, error)
	unique  bool    // at most one row
	covered []*qual // join conditions that it checks by its parameters
}

// sortKey is one key of an order: an expression, and the ordering operator's
// family and direction.
type sortKey struct {
	e          node.Node
	op         oid.OID
	family     oid.OID
	collation  oid.OID
	desc       bool
	nullsFirst bool
}

func (k sortKey) same(l sortKey) bool {
	return k.family == l.family && k.desc == l.desc && k.nullsFirst == l.nullsFirst && node.Equal(bare(k.e), bare(l.e))
}

// bare strips casts that change nothing.
func bare(e node.Node) node.Node {
	for {
		x, ok := e.(*node.RelabelType)
		if !ok {
			return e
		}
		e = x.Arg
	}
}

// ordered reports whether rows in order have satisfy want.
func ordered(have, want []sortKey) bool {
	if len(have) < len(want) {
		return false
	}
	for i := range want {
		if !have[i].same(want[i]) {
			return false
		}
	}
	return true
}

// add keeps p unless another path is as good in every respect, and drops those
// that p beats.
func (b *rel) add(p *path) {
	p.rel = b
	const fuzz = 1.01
	keep := b.paths[:0]
	dominated := false
	for _, o := range b.paths {
		oBetter := o.total <= p.total*fuzz && o.startup <= p.startup*fuzz && ordered(o.keys, p.keys) && o.needs.in(p.needs) && o.rows <= p.rows*fuzz
		pBetter := p.total <= o.total && p.startup <= o.startup*fuzz && ordered(p.keys, o.keys) && p.needs.in(o.needs) && p.rows <= o.rows*fuzz
		if oBetter && !dominated && !(pBetter && p.total < o.total) {
			dominated = true
		}
		if pBetter && !dominated {
			continue
		}
		keep = append(keep, o)
	}
	if !dominated {
		keep = append(keep, p)
	}
	b.paths = keep
}

// cheapest is the path with the lowest total cost that needs no parameters beyond
// given; fraction > 0 weighs the first rows.
func (b *rel) cheapest(given relids, fraction float64) *path {
	var best *path
	cost := func(p *path) float64 {
		if fraction > 0 && fraction < 1 {
			return p.startup + fraction*(p.total-p.startup)
		}
		return p.total
	}
	for _, p := range b.paths {
		if p.needs.in(given) && (best == nil || cost(p) < cost(best)) {
			best = p
		}
	}
	return best
}

// qualCost is the cost of evaluating conditions for one row.
func (r *root) qualCost(quals []*qual) float64 {
	c := 0.0
	for _, q := range quals {
		c += r.exprCost(q.e)
	}
	return c
}

func (r *root) exprCost(e node.Node) float64 {
	c := 0.0
	node.Walk(e, func(n node.Node) bool {
		switch x := n.(type) {
		case *node.OpExpr, *node.DistinctExpr, *node.NullIfExpr:
			c += r.set.CPUOperatorCost
		case *node.FuncExpr:
			if f, err := r.cat.Func(x.Funcid); err == nil && f.Cost > 0 {
				c += f.Cost * r.set.CPUOperatorCost
			} else {
				c += r.set.CPUOperatorCost
			}
		case *node.ScalarArrayOpExpr:
			c += 5 * r.set.CPUOperatorCost
		case *node.SubPlan:
			if x.UseHashTable {
				c += r.set.CPUOperatorCost
			} else {
				c += x.PerCallCost
			}
			return true
		case *node.Query:
			return false
		}
		return true
	})
	return c
}

// scanPaths adds the ways to scan a base relation.
func (r *root) scanPaths(b *rel) {
	if b.table != nil {
		r.tablePaths(b)
		return
	}
	p := &path{rows: b.rows, needs: b.lateral, make: func() (Plan, error) { return r.makeScan(b) }}
	per := r.set.CPUTupleCost + r.qualCost(b.quals)
	p.total = b.tuples * per
	if b.subplan != nil {
		c := b.subplan.Common()
		p.startup, p.total = c.StartupCost, c.TotalCost+b.tuples*per
	}
	if b.rte.Rtekind == node.RTEResult {
		p.total = r.set.CPUTupleCost
	}
	b.add(p)
}

func (r *root) tablePaths(b *rel) {
	seq := &path{rows: b.rows}
	seq.total = b.pages*r.set.SeqPageCost + b.tuples*(r.set.CPUTupleCost+r.qualCost(b.quals))
	if r.set.NoSeqScan {
		seq.startup += disabled
		seq.total += disabled
	}
	seq.make = func() (Plan, error) { return r.makeScan(b) }
	if r.currentOf(b) {
		return
	}
	b.add(seq)
	r.tidPaths(b)
	r.indexPaths(b, nil)
	r.bitmapOrPaths(b)
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
		p := &path{rows: math.Min(n, b.tuples), total: n * (r.set.RandomPageCost + r.set.CPUTupleCost)}
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

// fillScan sets what all scans of b have.
func (r *root) fillScan(s *Scan, b *rel, quals []*qual) {
	s.ScanRelid = b.rti
	s.TargetList = r.scanTlist(b)
	s.Qual = r.quals(quals)
}

// quals are the expressions of conditions, cheap ones first, with variables of
// outer rows replaced by parameters.
func (r *root) quals(list []*qual) []node.Node {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *qual) int {
		ca, cb := r.exprCost(a.e), r.exprCost(b.e)
		switch {
		case ca < cb:
			return -1
		case ca > cb:
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

// scanTlist lists the columns of b that the plan above needs.
func (r *root) scanTlist(b *rel) []*node.TargetEntry {
	return r.varTlist(b.ids)
}

// varTlist lists the variables of the given entries that are needed above the
// scans and joins.
func (r *root) varTlist(ids relids) []*node.TargetEntry {
	var out []*node.TargetEntry
	for _, v := range r.needed {
		if ids.has(v.Varno) {
			out = append(out, &node.TargetEntry{Expr: v, Resno: len(out) + 1})
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

// makeScan builds a scan that needs no index.
func (r *root) makeScan(b *rel) (Plan, error) {
	for _, n := range b.needs {
		r.nest = append(r.nest, NestLoopParam{ParamNo: n.param, Value: n.expr})
	}
	quals := b.quals
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
	s.TargetList, s.Qual = r.scanTlist(b), nil
	s.ResConstantQual = r.quals(quals)
	return s, nil
}
