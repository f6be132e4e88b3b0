package plan

import (
	"math"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// cost is what an expression costs: once, and for each row.
type cost struct{ startup, per float64 }

func (c *cost) add(d cost) { c.startup, c.per = c.startup+d.startup, c.per+d.per }

// exprCost is the cost of evaluating e for one row.
func (r *root) exprCost(e node.Node) cost {
	var c cost
	if e == nil {
		return c
	}
	op := r.set.CPUOperatorCost
	fn := func(id oid.OID) {
		if f, err := r.cat.Func(id); err == nil {
			c.per += f.Cost * op
		} else {
			c.per += op
		}
	}
	operator := func(id oid.OID) {
		if o, err := r.cat.Operator(id); err == nil {
			fn(o.Func)
		} else {
			c.per += op
		}
	}
	node.Walk(e, func(n node.Node) bool {
		switch x := n.(type) {
		case *node.OpExpr:
			operator(x.Opno)
		case *node.DistinctExpr:
			operator(x.Opno)
		case *node.NullIfExpr:
			operator(x.Opno)
		case *node.FuncExpr:
			fn(x.Funcid)
		case *node.ScalarArrayOpExpr:
			before := c.per
			operator(x.Opno)
			one, n := c.per-before, r.arrayLength(x.Args[1])
			c.per = before + one*n*0.5
			if r.hashedArray(x, n) {
				c.startup += n * op
				c.per = before + op + one
			}
		case *node.CoerceViaIO:
			c.per += 2 * op
		case *node.MinMaxExpr, *node.SQLValueFunction, *node.CoerceToDomain, *node.NextValueExpr:
			c.per += op
		case *node.RowCompareExpr:
			for _, o := range x.Opnos {
				operator(o)
			}
		case *node.SubPlan:
			c.startup += x.StartupCost
			c.per += x.PerCallCost
			return false
		case *node.Aggref, *node.WindowFunc, *node.GroupingFunc, *node.Query:
			return false
		}
		return true
	})
	return c
}

// hashedArray reports whether the search of a constant array uses a hash table.
func (r *root) hashedArray(x *node.ScalarArrayOpExpr, n float64) bool {
	if k, ok := isConst(x.Args[1]); !ok || k.Constisnull || n < 9 {
		return false
	}
	o, err := r.cat.Operator(x.Opno)
	if err != nil {
		return false
	}
	if x.UseOr {
		return o.CanHash
	}
	neg, err := r.cat.Operator(o.Negator)
	return err == nil && neg.CanHash
}

// arrayLength estimates how many elements an array has.
func (r *root) arrayLength(e node.Node) float64 {
	e = bare(e)
	if a, ok := e.(*node.ArrayExpr); ok {
		return float64(len(a.Elements))
	}
	if k, ok := e.(*node.Const); ok {
		if k.Constisnull {
			return 0
		}
		if n, ok := r.cat.Elements(k.Constvalue); ok {
			return float64(len(n))
		}
	}
	return 10
}

func (r *root) qualCost(quals []*qual) cost {
	var c cost
	for _, q := range quals {
		x := r.clauseCost(q)
		c.add(x)
	}
	return c
}

// clauseCost is the cost of a condition; one without variables is checked once.
func (r *root) clauseCost(q *qual) cost {
	if !q.costed {
		q.cost, q.costed = r.exprCost(q.e), true
		if q.pseudo {
			q.cost = cost{startup: q.cost.startup + q.cost.per}
		}
	}
	return q.cost
}

func (r *root) listCost(list []node.Node) cost {
	var c cost
	for _, e := range list {
		c.add(r.exprCost(e))
	}
	return c
}

// tlistCost is the cost of computing a target list, of which variables are free.
func (r *root) tlistCost(list []*node.TargetEntry) cost {
	var c cost
	for _, te := range list {
		c.add(r.exprCost(te.Expr))
	}
	return c
}

func clamp(rows float64) float64 {
	if math.IsNaN(rows) || rows < 1 {
		return 1
	}
	return math.Min(math.RoundToEven(rows), 1e100)
}

func maxAlign(n float64) float64 { return math.Ceil(n/8) * 8 }

// rowBytes is what rows of a width take in memory.
func rowBytes(rows, width float64) float64 { return rows * (maxAlign(width) + 24) }

// pagesOf is how many pages rows take on disk.
func pagesOf(rows, width float64) float64 { return math.Ceil(rowBytes(rows, width) / 8192) }

// fetched is the number of distinct pages that n fetches of a table of the given
// pages read in random order, with a cache (Mackert and Lohman).
func (r *root) fetched(n, pages, indexPages float64) float64 {
	t := math.Max(pages, 1)
	all := math.Max(r.totalPages+indexPages, 1)
	cache := r.set.EffectiveCacheSize * t / all
	if cache <= 1 {
		cache = 1
	} else {
		cache = math.Ceil(cache)
	}
	if t <= cache {
		f := 2 * t * n / (2*t + n)
		if f >= t {
			return t
		}
		return math.Ceil(f)
	}
	lim := 2 * t * cache / (2*t - cache)
	if n <= lim {
		return math.Ceil(2 * t * n / (2*t + n))
	}
	return math.Ceil(cache + (n-lim)*(t-cache)/t)
}

// sortCost is what sorting adds to the startup cost of its input's total, and
// what returning the rows costs. limit < 0: all rows are read.
func (r *root) sortCost(rows, width, limit, compare float64) (startup, run float64) {
	n := math.Max(rows, 2)
	compare += 2 * r.set.CPUOperatorCost
	bytes := rowBytes(n, width)
	out, outBytes := n, bytes
	if limit > 0 && limit < n {
		out, outBytes = limit, rowBytes(limit, width)
	}
	switch {
	case outBytes > r.set.WorkMem:
		pages := math.Ceil(bytes / 8192)
		runs := bytes / r.set.WorkMem
		order := mergeOrder(r.set.WorkMem)
		passes := 1.0
		if runs > order {
			passes = math.Ceil(math.Log(runs) / math.Log(order))
		}
		startup = compare*n*math.Log2(n) + 2*pages*passes*(r.set.SeqPageCost*0.75+r.set.RandomPageCost*0.25)
	case n > 2*out || bytes > r.set.WorkMem:
		startup = compare * n * math.Log2(2*out)
	default:
		startup = compare * n * math.Log2(n)
	}
	return startup, r.set.CPUOperatorCost * n
}

// mergeOrder is how many runs a sort merges at once.
func mergeOrder(mem float64) float64 {
	const tape, buffer = 8192, 8192 * 32
	n := math.Floor(mem / (2*tape + buffer))
	return math.Max(6, math.Min(n, 500))
}

// typeWidth is the usual width of a type's values.
func (p *planner) typeWidth(t oid.OID, mod int32) float64 {
	ti, ok := p.cat.Type(t)
	if !ok {
		return 32
	}
	if ti.Len > 0 {
		return float64(ti.Len)
	}
	max := 0.0
	switch t {
	case oid.Bpchar, oid.Varchar:
		if mod >= 4 {
			max = float64(mod-4)*4 + 4
		}
	case oid.Bit, oid.Varbit:
		if mod >= 0 {
			max = float64((mod+7)/8 + 8)
		}
	case oid.Numeric:
		if mod >= 4 {
			prec, scale := (mod-4)>>16&0xffff, int32(uint32(mod-4)<<21)>>21
			_ = scale
			max = float64((prec+2*3)/4*2 + 8)
		}
	}
	if max > 0 {
		switch {
		case t == oid.Bpchar || max <= 32:
			return max
		case max < 1000:
			return 32 + math.Floor((max-32)/2)
		}
		return 32 + (1000-32)/2
	}
	return 32
}

// exprWidth is the width of an expression's values.
func (r *root) exprWidth(e node.Node) float64 {
	if v, ok := e.(*node.Var); ok && v.Varlevelsup == 0 {
		if b := r.rels[v.Varno]; b != nil {
			if w := r.columnWidth(b, v.Varattno); w > 0 {
				return w
			}
		}
		return r.typeWidth(v.Vartype, v.Vartypmod)
	}
	return r.typeWidth(node.ExprType(e), typmodOf(e))
}

// columnWidth is the width of a base relation's column, 0 if nothing is known.
func (r *root) columnWidth(b *rel, att int) float64 {
	switch {
	case b.table != nil && att == 0:
		w := 0.0
		for i := range b.table.Desc.Attrs {
			w += r.attrWidth(b, i+1)
		}
		return w
	case b.table != nil && att > 0:
		return r.attrWidth(b, att)
	case b.subroot != nil && b.subplan != nil && att > 0:
		for _, te := range b.rte.Subquery.TargetList {
			v, ok := te.Expr.(*node.Var)
			if te.Resno != att {
				continue
			}
			if ok && v.Varlevelsup == 0 {
				if tl := b.subroot.final; att <= len(tl) {
					return b.subroot.exprWidth(tl[att-1].Expr)
				}
			}
			break
		}
	}
	return 0
}

func (r *root) attrWidth(b *rel, att int) float64 {
	a := &b.table.Desc.Attrs[att-1]
	if a.Dropped {
		return 0
	}
	if st := r.column(b.table.OID, att); st != nil && st.Width > 0 {
		return st.Width
	}
	return r.typeWidth(a.Type, a.TypMod)
}

func (r *root) tlistWidth(list []*node.TargetEntry) float64 {
	w := 0.0
	for _, te := range list {
		w += r.exprWidth(te.Expr)
	}
	return w
}
