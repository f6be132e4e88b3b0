package plan

import (
	"slices"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// match is a condition that an index can use.
type match struct {
	q     *qual
	key   IndexKey
	e     node.Node // the condition, with the index column on the left
	src   relids    // entries whose rows give the value
	lossy bool      // q says more than e
}

// indexExpr is expression k of an index, over b.
func (r *root) indexExpr(b *rel, ix *Index, k int) node.Node {
	for len(ix.folded) <= k {
		e := replaceVars(ix.Exprs[len(ix.folded)], 1, func(v *node.Var) node.Node {
			w := *v
			w.Varno, w.Varnosyn = b.rti, b.rti
			return &w
		})
		ix.folded = append(ix.folded, r.fold(e))
	}
	return ix.folded[k]
}

// indexPreds are the conditions of a partial index, over b.
func (r *root) indexPreds(b *rel, ix *Index) []node.Node {
	if ix.preds == nil {
		for _, p := range ix.Pred {
			p = replaceVars(p, 1, func(v *node.Var) node.Node {
				c := *v
				c.Varno, c.Varnosyn = b.rti, b.rti
				return &c
			})
			ix.preds = append(ix.preds, andList(r.fold(p))...)
		}
	}
	return ix.preds
}

// indexColumn is the expression of key column c.
func (r *root) indexColumn(b *rel, ix *Index, c int) node.Node {
	info := ix.Rel.Index
	if a := info.AttNums[c]; a != 0 {
		at := b.table.Desc.Attrs[a-1]
		return &node.Var{Varno: b.rti, Varattno: int(a), Vartype: at.Type, Vartypmod: at.TypMod, Varcollid: at.Collation, Varnosyn: b.rti, Varattnosyn: int(a), Location: -1}
	}
	k := 0
	for _, a := range info.AttNums[:c] {
		if a == 0 {
			k++
		}
	}
	return r.indexExpr(b, ix, k)
}

// isColumn reports whether e is key column c of ix.
func (r *root) isColumn(b *rel, ix *Index, c int, e node.Node) bool {
	e = bare(e)
	if a := ix.Rel.Index.AttNums[c]; a != 0 {
		v, ok := e.(*node.Var)
		return ok && v.Varno == b.rti && v.Varattno == int(a) && v.Varlevelsup == 0
	}
	return node.Equal(e, bare(r.indexColumn(b, ix, c)))
}

// matches finds the conditions among quals that the columns of ix can use: those
// whose other side needs no entry, or with joins those that need some.
func (r *root) matches(b *rel, ix *Index, quals []*qual, joins bool) [][]match {
	out := make([][]match, ix.Rel.Index.KeyCols)
	for _, q := range quals {
		if q.pseudo || q.volatile && !joins {
			continue
		}
		for c := range out {
			ms := r.match(b, ix, c, q)
			if len(ms) == 0 || ms[0].src.empty() == joins {
				continue
			}
			out[c] = append(out[c], ms...)
			break
		}
	}
	return out
}

// match checks whether key column c of ix can use q.
func (r *root) match(b *rel, ix *Index, c int, q *qual) []match {
	info := ix.Rel.Index
	key := IndexKey{Col: c + 1, Collation: info.Collations[c]}
	switch x := q.e.(type) {
	case *node.NullTest:
		if x.Argisrow || !r.isColumn(b, ix, c, x.Arg) {
			return nil
		}
		key.IsNull, key.IsNotNull = x.Nulltesttype == node.IsNull, x.Nulltesttype == node.IsNotNull
		return []match{{q: q, key: key, e: x}}
	case *node.OpExpr:
		return r.matchOp(b, ix, c, q, x, key)
	case *node.ScalarArrayOpExpr:
		if !x.UseOr || !r.isColumn(b, ix, c, x.Args[0]) || !r.family(ix, c, x.Opno, &key) || !collates(info.Collations[c], x.Inputcollid) {
			return nil
		}
		src := varsOf(x.Args[1])
		if src.overlaps(b.ids) || r.hasVolatile(x.Args[1]) {
			return nil
		}
		key.Op, key.Value, key.Array = x.Opno, x.Args[1], true
		return []match{{q: q, key: key, e: x, src: src}}
	}
	return r.matchBool(b, ix, c, q, key)
}

func (r *root) matchOp(b *rel, ix *Index, c int, q *qual, x *node.OpExpr, key IndexKey) []match {
	if len(x.Args) != 2 {
		return nil
	}
	info := ix.Rel.Index
	op, left, right := x.Opno, x.Args[0], x.Args[1]
	if !r.isColumn(b, ix, c, left) {
		o, err := r.cat.Operator(op)
		if err != nil || o.Commutator == oid.Invalid || !r.isColumn(b, ix, c, right) {
			return nil
		}
		op, left, right = o.Commutator, right, left
	}
	src := varsOf(right)
	if src.overlaps(b.ids) || r.hasVolatile(right) || !collates(info.Collations[c], x.Inputcollid) {
		return nil
	}
	if !r.family(ix, c, op, &key) {
		if op == x.Opno {
			return r.matchPattern(b, ix, c, q, x, key)
		}
		return nil
	}
	key.Op, key.Value = op, right
	e := *x
	e.Opno, e.Args = op, []node.Node{left, right}
	if op != x.Opno {
		if o, err := r.cat.Operator(op); err == nil {
			e.Opfuncid = o.Func
		}
	}
	return []match{{q: q, key: key, e: &e, src: src}}
}

// matchBool takes a boolean column as a comparison with true or false.
func (r *root) matchBool(b *rel, ix *Index, c int, q *qual, key IndexKey) []match {
	const equal = 91 // boolean = boolean
	col, want := q.e, true
	switch x := q.e.(type) {
	case *node.BoolExpr:
		if x.Boolop != node.NotExpr {
			return nil
		}
		col, want = x.Args[0], false
	case *node.BooleanTest:
		if x.Booltesttype != node.IsTrue && x.Booltesttype != node.IsFalse {
			return nil
		}
		col, want = x.Arg, x.Booltesttype == node.IsTrue
	}
	if node.ExprType(col) != oid.Bool || !r.isColumn(b, ix, c, col) || !r.family(ix, c, equal, &key) {
		return nil
	}
	o, err := r.cat.Operator(equal)
	if err != nil {
		return nil
	}
	key.Op, key.Value = equal, boolConst(want)
	return []match{{q: q, key: key, e: &node.OpExpr{Opno: equal, Opfuncid: o.Func, Opresulttype: oid.Bool, Args: []node.Node{col, boolConst(want)}, Location: -1}}}
}

// matchPattern makes a range of the fixed beginning of a pattern.
func (r *root) matchPattern(b *rel, ix *Index, c int, q *qual, x *node.OpExpr, key IndexKey) []match {
	o, err := r.cat.Operator(x.Opno)
	k, ok := isConst(x.Args[1])
	if err != nil || !ok || k.Constisnull || k.Constvalue.Bytes == nil || o.Right != oid.Text || o.Left != oid.Text && o.Left != oid.Bpchar {
		return nil
	}
	switch o.Restrict {
	case "likesel", "regexeqsel", "prefixsel":
	default:
		return nil
	}
	prefix, _, exact, _ := fixedPrefix(o, string(k.Constvalue.Bytes))
	if prefix == "" {
		return nil
	}
	var out []match
	add := func(strategy int, value string) {
		op, err := r.cat.FamilyOperator(ix.Rel.Index.OpFamily[c], o.Left, o.Left, strategy)
		f, err2 := r.cat.Operator(op)
		if err != nil || op == oid.Invalid || err2 != nil {
			return
		}
		v := *k
		v.Consttype, v.Constvalue = o.Left, datum.String(value)
		m := match{q: q, key: key, lossy: !exact}
		m.key.Op, m.key.Strategy, m.key.Value, m.key.RightType = op, strategy, &v, o.Left
		m.e = &node.OpExpr{Opno: op, Opfuncid: f.Func, Opresulttype: oid.Bool, Inputcollid: x.Inputcollid, Args: []node.Node{x.Args[0], &v}, Location: -1}
		out = append(out, m)
	}
	if exact {
		add(3, prefix)
		return out
	}
	add(4, prefix)
	if next, ok := nextString(prefix); ok && len(out) > 0 {
		add(1, next)
	}
	return out
}

func collates(index, op oid.OID) bool {
	return index == oid.Invalid || index == op || op == oid.Invalid
}

// family finds the operator in the index column's family.
func (r *root) family(ix *Index, c int, op oid.OID, key *IndexKey) bool {
	fams, err := r.cat.Families(op)
	if err != nil {
		return false
	}
	for _, f := range fams {
		if f.Family == ix.Rel.Index.OpFamily[c] {
			key.Strategy, key.RightType = f.Strategy, f.Right
			return true
		}
	}
	return false
}

// classMatches finds, for each key column of ix, equalities with other entries
// that a class implies.
func (r *root) classMatches(b *rel, ix *Index) [][]match {
	info := ix.Rel.Index
	out := make([][]match, info.KeyCols)
	for c := range out {
		for _, cl := range r.classes {
			if cl.constant || len(cl.members) < 2 || !cl.ids.overlaps(b.ids) || cl.broken || cl.volatile ||
				!slices.Contains(cl.families, info.OpFamily[c]) || !collates(info.Collations[c], cl.collation) {
				continue
			}
			var own *member
			for _, m := range cl.members {
				if m.ids.equal(b.ids) && r.isColumn(b, ix, c, m.e) {
					own = m
					break
				}
			}
			if own == nil {
				continue
			}
			for _, m := range cl.members {
				if m == own || m.ids.empty() || m.ids.overlaps(b.ids) {
					continue
				}
				if q := r.derive(cl, own, m); q != nil && r.movable(q, b) {
					out[c] = append(out[c], r.match(b, ix, c, q)...)
				}
			}
			if len(out[c]) > 0 {
				break
			}
		}
	}
	return out
}

// movable reports whether a join condition can be checked in a scan of b, given
// rows of the others.
func (r *root) movable(q *qual, b *rel) bool {
	if !q.need.overlaps(b.ids) || q.need.in(b.ids) || q.volatile || q.nullable.overlaps(b.ids) || q.pseudo || q.spent {
		return false
	}
	// An outer join's condition may move into its inner side only.
	for _, s := range r.specials {
		if !q.pushed && s.kind == node.JoinFull && q.req.in(s.minL.union(s.minR)) {
			return false
		}
		if !q.pushed && (s.kind == node.JoinLeft || s.kind == node.JoinAnti) && q.req.equal(s.minL.union(s.minR)) && b.ids.in(s.synL) {
			return false
		}
	}
	return true
}

// info is what scans of b with parameters of needs check: conditions that the
// parameters make checkable, and how many rows pass.
func (r *root) info(b *rel, needs relids) *paramInfo {
	for _, p := range b.infos {
		if p.needs.equal(needs) {
			return p
		}
	}
	p := &paramInfo{needs: needs}
	all := b.ids.union(needs)
	for _, q := range r.joinQuals {
		if r.movable(q, b) && q.need.in(all) {
			p.quals = append(p.quals, q)
		}
	}
	for _, q := range r.joinEqualities(all, needs, b.ids) {
		if r.movable(q, b) && q.need.in(all) && q.need.overlaps(needs) {
			p.quals = append(p.quals, q)
		}
	}
	var list []node.Node
	for _, q := range p.quals {
		list = append(list, q.e)
	}
	for _, q := range b.quals {
		list = append(list, q.e)
	}
	p.rows = clamp(b.tuples * r.boundSel(list, b))
	if p.rows > b.rows {
		p.rows = b.rows
	}
	b.infos = append(b.infos, p)
	return p
}

// usedBy reports whether one of the conditions used implies q.
func usedBy(q *qual, use []match) bool {
	for _, m := range use {
		if m.lossy {
			continue
		}
		if q.impliedBy(m.q) {
			return true
		}
	}
	return false
}

// impliedBy reports whether c says q already: the same condition, or a join
// condition of the same class. What a class says of one entry alone is implied by
// nothing else.
func (q *qual) impliedBy(c *qual) bool {
	return c == q || c.parent != nil && q.parent != nil && c.parent.top() == q.parent.top() && q.need.count() > 1
}
