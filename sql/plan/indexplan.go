package plan

import (
	"slices"

	"github.com/pgmini/pgmini/sql/node"
)

func (r *root) keysOf(use []match) (keys []IndexKey, quals []node.Node) {
	for _, m := range use {
		k := m.key
		k.Value = r.nestParams(k.Value)
		keys, quals = append(keys, k), append(quals, r.nestParams(m.e))
	}
	return
}

// restOf are the conditions that an index scan does not check by its index.
func (r *root) restOf(b *rel, ix *Index, use []match, p *path) []*qual {
	var out []*qual
	left := r.unimplied(b, ix)
	for _, q := range r.scanQuals(b, p) {
		if usedBy(q, use) || slices.Contains(b.quals, q) && !slices.Contains(left, q) {
			continue
		}
		if slices.ContainsFunc(use, func(m match) bool { return !m.lossy && node.Equal(m.e, q.e) }) {
			continue
		}
		out = append(out, q)
	}
	return out
}

// exactUnique reports whether equalities on all keys of a unique index let one row
// through at most.
func exactUnique(ix *Index, use []match) bool {
	if !ix.Rel.Index.Unique || !ix.Rel.Index.Immediate {
		return false
	}
	seen := map[int]bool{}
	for _, m := range use {
		if m.key.Array || m.key.IsNull {
			return false
		}
		if m.key.Strategy == 3 {
			seen[m.key.Col] = true
		}
	}
	return len(seen) == ix.Rel.Index.KeyCols
}

func (r *root) makeIndexScan(b *rel, ix *Index, use []match, p *path, backward bool) Plan {
	s := &IndexScan{IndexID: ix.Rel.OID, Backward: backward, Unique: exactUnique(ix, use)}
	r.lateralParams(b)
	s.IndexKeys, s.IndexQual = r.keysOf(use)
	r.fillScan(&s.Scan, b, r.restOf(b, ix, use, p))
	return r.gate(s, b.quals)
}

func (r *root) makeIndexOnly(b *rel, ix *Index, use []match, p *path, backward bool) Plan {
	s := &IndexOnlyScan{IndexID: ix.Rel.OID, Backward: backward, Unique: exactUnique(ix, use)}
	r.lateralParams(b)
	s.IndexKeys, s.IndexQual = r.keysOf(use)
	r.fillScan(&s.Scan, b, r.restOf(b, ix, use, p))
	s.RecheckQual = s.IndexQual
	for i := range ix.Rel.Index.AttNums {
		a := ix.Rel.Desc.Attrs[i]
		v := &node.Var{Varno: b.rti, Varattno: int(ix.Rel.Index.AttNums[i]), Vartype: a.Type, Vartypmod: a.TypMod, Varcollid: a.Collation, Location: -1}
		s.IndexTlist = append(s.IndexTlist, &node.TargetEntry{Expr: v, Resno: i + 1})
	}
	return r.gate(s, b.quals)
}

// makeBitmap builds a bitmap heap scan.
func (r *root) makeBitmap(b *rel, t *bitmapTree, p *path) Plan {
	r.lateralParams(b)
	s := &BitmapHeapScan{}
	kid, orig, uses := r.makeTree(b, t)
	s.Left, s.BitmapQualOrig = kid, orig
	var rest []*qual
	for _, q := range r.scanQuals(b, p) {
		e := r.nestParams(q.e)
		if lossy := slices.ContainsFunc(uses, func(m match) bool { return m.lossy && m.q == q }); lossy {
			rest = append(rest, q)
			orig = slices.DeleteFunc(orig, func(o node.Node) bool { return node.Equal(o, e) })
			continue
		}
		if usedBy(q, uses) || slices.ContainsFunc(orig, func(o node.Node) bool { return node.Equal(o, e) || r.implies(o, e) }) {
			continue
		}
		rest = append(rest, q)
	}
	s.BitmapQualOrig = orig
	r.fillScan(&s.Scan, b, rest)
	return r.gate(s, b.quals)
}

// makeTree builds the plan of a bitmap and the conditions that its rows meet; uses
// are those that hold for all of them.
func (r *root) makeTree(b *rel, t *bitmapTree) (p Plan, orig []node.Node, uses []match) {
	if t.scan != nil {
		k := &BitmapIndexScan{IndexID: t.scan.ix.Rel.OID}
		k.ScanRelid = b.rti
		k.IndexKeys, k.IndexQual = r.keysOf(t.scan.use)
		k.Rows, k.TotalCost = clamp(t.scan.indexSel*b.tuples), t.scan.indexCost
		for _, m := range t.scan.use {
			if e := r.nestParams(m.q.e); !slices.ContainsFunc(orig, func(o node.Node) bool { return node.Equal(o, e) }) {
				orig = append(orig, e)
			}
		}
		for _, q := range r.indexPreds(b, t.scan.ix) {
			if !slices.ContainsFunc(k.IndexQual, func(o node.Node) bool { return r.implies(o, q) }) {
				orig = append(orig, q)
			}
		}
		return k, orig, t.scan.use
	}
	cost, sel := r.treeCost(t)
	var kids []Plan
	var arms []node.Node
	for _, k := range t.kids {
		kid, o, u := r.makeTree(b, k)
		kids = append(kids, kid)
		if t.or {
			arms = append(arms, makeAnd(o))
			continue
		}
		for _, e := range o {
			if !slices.ContainsFunc(orig, func(x node.Node) bool { return node.Equal(x, e) }) {
				orig = append(orig, e)
			}
		}
		uses = append(uses, u...)
	}
	if !t.or {
		return &BitmapAnd{Plans: kids, Node: Node{TotalCost: cost, StartupCost: cost, Rows: clamp(sel * b.tuples)}}, orig, uses
	}
	if len(kids) == 1 {
		return kids[0], arms, nil
	}
	e := &node.BoolExpr{Boolop: node.OrExpr, Location: -1}
	for _, a := range arms {
		if x, ok := a.(*node.BoolExpr); ok && x.Boolop == node.OrExpr {
			e.Args = append(e.Args, x.Args...)
		} else {
			e.Args = append(e.Args, a)
		}
	}
	return &BitmapOr{Plans: kids, Node: Node{TotalCost: cost, StartupCost: cost, Rows: clamp(sel * b.tuples)}}, []node.Node{e}, nil
}
