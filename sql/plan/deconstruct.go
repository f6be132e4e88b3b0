package plan

import (
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// qual is a condition with what the planner knows of it (PostgreSQL: RestrictInfo).
type qual struct {
	e        node.Node
	need     relids // entries that it names
	req      relids // entries that must be joined before it is checked
	nullable relids // entries of need that an outer join below may have nulled
	pushed   bool   // a filter of rows; false: a condition of an outer join
	delayed  bool   // an outer join below must come first
	pseudo   bool   // no variables: checked once
	volatile bool
	sel      float64 // as a filter; -1: not known yet
	joinSel  float64
	cost     cost
	costed   bool
	spent    bool // constants on both sides say the same
	// An equality that can be hashed or merged, with one side each in disjoint
	// sets of entries.
	left, right   node.Node
	leftR, rightR relids
	op            oid.OID
	families      []FamilyMember
	equal         []oid.OID // families in which it is equality
	canHash       bool
	parent        *eclass
	lec, rec      *eclass // classes of its sides, for merging
	scan          map[*rel][2]float64
}

// special is an outer or semi join (PostgreSQL: SpecialJoinInfo). The minimal
// sides are what must be joined first; the others are the sides as written.
type special struct {
	kind         node.JoinType
	minL, minR   relids
	synL, synR   relids
	strict       bool // its condition rejects NULLs of the left side
	delayUpper   bool
	canHash      bool // of a semi join: the right side can be made unique
	canSort      bool
	rightExprs   []node.Node
	rightOps     []oid.OID
	rightCollate []oid.OID
}

// nulls is the entries that it may null.
func (s *special) nulls() relids {
	switch s.kind {
	case node.JoinLeft:
		return s.synR
	case node.JoinFull:
		return s.synL.union(s.synR)
	}
	return nil
}

// makeQual analyses a condition.
func (r *root) makeQual(e node.Node) *qual {
	q := &qual{e: e, need: varsOf(e), sel: -1, joinSel: -1, volatile: r.hasVolatile(e)}
	op, ok := e.(*node.OpExpr)
	if !ok || len(op.Args) != 2 {
		return q
	}
	o, err := r.cat.Operator(op.Opno)
	if err != nil || q.volatile {
		return q
	}
	q.left, q.right, q.op = op.Args[0], op.Args[1], op.Opno
	if o.CanMerge {
		q.families, _ = r.cat.Families(op.Opno)
		q.equal = r.equalFamilies(op.Opno)
	}
	l, rt := varsOf(q.left), varsOf(q.right)
	if l.empty() || rt.empty() || l.overlaps(rt) {
		return q
	}
	q.leftR, q.rightR = l, rt
	q.canHash = o.CanHash && r.hashTypes(node.ExprType(q.left), node.ExprType(q.right))
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

// problem is a list of things to join: entries, and lists that are joined first.
type problem struct {
	rti  int
	list []*problem
}

func (p *problem) ids() relids {
	if p.rti > 0 {
		return single(p.rti)
	}
	var s relids
	for _, k := range p.list {
		s = s.union(k.ids())
	}
	return s
}

// part is what deconstruct finds out about a part of the join tree.
type part struct {
	list       []*problem
	ids, inner relids
}

const collapseLimit = 8 // from_collapse_limit and join_collapse_limit

// deconstruct takes a join tree apart: joins into specials, conditions to where
// they are checked.
func (r *root) deconstruct(n node.Node, belowOuter bool) (part, error) {
	switch j := n.(type) {
	case *node.RangeTblRef:
		s := single(j.Rtindex)
		return part{[]*problem{{rti: j.Rtindex}}, s, s}, nil
	case *node.FromExpr:
		var out part
		for k, item := range j.Fromlist {
			p, err := r.deconstruct(item, belowOuter)
			if err != nil {
				return part{}, err
			}
			out.ids = out.ids.union(p.ids)
			if len(p.list) <= 1 || len(out.list)+len(p.list)+len(j.Fromlist)-k-1 <= collapseLimit {
				out.list = append(out.list, p.list...)
			} else {
				out.list = append(out.list, &problem{list: p.list})
			}
			if len(j.Fromlist) > 1 {
				out.inner = out.ids
			} else {
				out.inner = p.inner
			}
		}
		for _, e := range r.due(andList(j.Quals), out.ids) {
			r.place(e, belowOuter, out.ids, nil, nil)
		}
		return out, nil
	case *node.JoinExpr:
		return r.deconstructJoin(j, belowOuter)
	}
	return part{}, pgerr.New(pgerr.InternalError, "unrecognized node %T in a join tree", n)
}

func (r *root) deconstructJoin(j *node.JoinExpr, belowOuter bool) (part, error) {
	lb, rb := belowOuter, belowOuter
	switch j.Jointype {
	case node.JoinLeft, node.JoinAnti:
		rb = true
	case node.JoinFull:
		lb, rb = true, true
	}
	l, err := r.deconstruct(j.Larg, lb)
	if err != nil {
		return part{}, err
	}
	rt, err := r.deconstruct(j.Rarg, rb)
	if err != nil {
		return part{}, err
	}
	out := part{ids: l.ids.union(rt.ids), inner: l.inner.union(rt.inner)}
	quals := r.due(andList(j.Quals), out.ids)
	var nonNull, oj relids
	switch j.Jointype {
	case node.JoinInner:
		out.inner = out.ids
	case node.JoinLeft, node.JoinAnti:
		nonNull = l.ids
	case node.JoinFull:
		nonNull = out.ids
	}
	if j.Jointype != node.JoinInner {
		s := r.makeSpecial(j.Jointype, quals, l.ids, rt.ids, out.inner)
		if j.Jointype != node.JoinSemi {
			oj = s.minL.union(s.minR)
		}
		for _, e := range quals {
			r.place(e, belowOuter, out.ids, oj, nonNull)
		}
		r.specials = append(r.specials, s)
	} else {
		for _, e := range quals {
			r.place(e, belowOuter, out.ids, nil, nil)
		}
	}
	switch {
	case j.Jointype == node.JoinFull:
		out.list = []*problem{{list: []*problem{wrap(l.list), wrap(rt.list)}}}
	case len(l.list)+len(rt.list) <= collapseLimit:
		out.list = append(append(out.list, l.list...), rt.list...)
	default:
		out.list = []*problem{wrap(l.list), wrap(rt.list)}
	}
	return out, nil
}

// due are the conditions to be placed over ids: those given, and those from below
// that refer to something on the other side of a LATERAL join. What refers further
// out waits.
func (r *root) due(quals []node.Node, ids relids) []node.Node {
	var out, wait []node.Node
	for _, e := range append(slices.Clone(quals), r.postponed...) {
		if varsOf(e).in(ids) {
			out = append(out, e)
		} else {
			wait = append(wait, e)
		}
	}
	r.postponed = wait
	return out
}

func wrap(list []*problem) *problem {
	if len(list) == 1 {
		return list[0]
	}
	return &problem{list: list}
}

// makeSpecial finds out what an outer or semi join must wait for.
func (r *root) makeSpecial(kind node.JoinType, quals []node.Node, left, right, inner relids) *special {
	s := &special{kind: kind, synL: left, synR: right}
	if kind == node.JoinFull {
		s.minL, s.minR = left, right
		return s
	}
	var names, strict relids
	for _, e := range quals {
		names = names.union(varsOf(e))
		strict = strict.union(r.nonNullable(e))
	}
	s.strict = strict.overlaps(left)
	s.minL = names.intersect(left)
	s.minR = names.union(inner).intersect(right)
	hard := kind == node.JoinSemi || kind == node.JoinAnti
	for _, o := range r.specials {
		if o.kind == node.JoinFull {
			if left.overlaps(o.synL) || left.overlaps(o.synR) {
				s.minL = s.minL.union(o.synL).union(o.synR)
			}
			if right.overlaps(o.synL) || right.overlaps(o.synR) {
				s.minR = s.minR.union(o.synL).union(o.synR)
			}
			continue
		}
		if left.overlaps(o.synR) && names.overlaps(o.synR) && (hard || !strict.overlaps(o.minR)) {
			s.minL = s.minL.union(o.synL).union(o.synR)
		}
		if right.overlaps(o.synR) && (names.overlaps(o.synR) || !names.overlaps(o.minL) || hard || o.kind == node.JoinSemi ||
			o.kind == node.JoinAnti || !o.strict || o.delayUpper) {
			s.minR = s.minR.union(o.synL).union(o.synR)
		}
	}
	for rti := range right.each() {
		s.minL = s.minL.union(r.lateralOf(rti).intersect(left))
	}
	if s.minL.empty() {
		s.minL = left
	}
	if s.minR.empty() {
		s.minR = right
	}
	if kind == node.JoinSemi {
		r.semiKeys(s, quals)
	}
	return s
}

// lateralOf is what a range table entry refers to of its own level.
func (r *root) lateralOf(rti int) relids {
	var s relids
	r.lateralVars(r.rte(rti), func(e node.Node) { s = s.union(varsOf(e)) })
	return s
}

// semiKeys finds the columns by which the right side of a semi join could be made
// unique: all conditions must compare the sides by equality.
func (r *root) semiKeys(s *special, quals []node.Node) {
	hash, sort := true, true
	for _, e := range quals {
		ids := varsOf(e)
		op, ok := e.(*node.OpExpr)
		if !ok || len(op.Args) != 2 {
			if ids.in(s.synR) && !ids.empty() && !r.hasVolatile(e) {
				continue // pushed into the right side
			}
			return
		}
		l, rt := varsOf(op.Args[0]), varsOf(op.Args[1])
		if l.union(rt).in(s.synR) {
			if r.hasVolatile(e) {
				return
			}
			continue
		}
		opno, right := op.Opno, op.Args[1]
		o, err := r.cat.Operator(opno)
		if err != nil {
			return
		}
		switch {
		case !rt.empty() && rt.in(s.synR) && !l.overlaps(s.synR):
		case !l.empty() && l.in(s.synR) && !rt.overlaps(s.synR) && o.Commutator != oid.Invalid:
			opno, right = o.Commutator, op.Args[0]
			if o, err = r.cat.Operator(opno); err != nil {
				return
			}
		default:
			return
		}
		sort = sort && o.CanMerge && len(r.equalFamilies(opno)) > 0
		hash = hash && o.CanHash
		if !sort && !hash || r.hasVolatile(right) {
			return
		}
		s.rightExprs, s.rightOps, s.rightCollate = append(s.rightExprs, right), append(s.rightOps, opno), append(s.rightCollate, op.Inputcollid)
	}
	s.canHash, s.canSort = hash, sort
}

// place turns a condition into a qual and puts it where it is checked. scope is
// what the clause's join covers; oj, of an outer join's own condition, is what
// must be joined; nonNull is the side that it cannot filter.
func (r *root) place(e node.Node, belowOuter bool, scope, oj, nonNull relids) {
	q := r.makeQual(e)
	q.req = q.need
	if q.need.empty() {
		switch {
		case oj != nil:
			q.req, q.pseudo = oj, false
		case q.volatile:
			q.req = scope
		default:
			q.pseudo, q.req = true, scope
			if !belowOuter {
				q.req = r.allIDs
			}
		}
	}
	if oj != nil && (q.req.overlaps(nonNull) || q.need.empty()) {
		req := q.req
		_, q.nullable = r.delay(&req, false)
		q.req = oj // at that very join, which may be done before those that req waits for
		q.pushed = false
		r.distribute(q)
		r.outerQuals = append(r.outerQuals, q)
		return
	}
	q.pushed = true
	q.delayed, q.nullable = r.delay(&q.req, true)
	if r.surelyNull(e) {
		return // an anti join below returns no others
	}
	equiv := q.equal != nil && !q.volatile && !q.pseudo && !q.delayed
	if equiv && r.equate(q, belowOuter) {
		return
	}
	if equiv && q.parent == nil {
		r.sameSides(q)
	}
	r.distribute(q)
}

// delay widens req by the outer joins that must be done before a condition on it
// is checked.
func (r *root) delay(req *relids, pushed bool) (delayed bool, nullable relids) {
	was := *req
	for again := true; again; {
		again = false
		for _, s := range r.specials {
			full := s.kind == node.JoinFull
			if !req.overlaps(s.minR) && !(full && req.overlaps(s.minL)) {
				continue
			}
			if s.kind == node.JoinSemi {
				continue
			}
			if !s.minL.in(*req) || !s.minR.in(*req) {
				*req = req.union(s.minL).union(s.minR)
				delayed, again = true, true
			}
			nullable = nullable.union(s.minR)
			if full {
				nullable = nullable.union(s.minL)
			}
			if pushed && !full && req.overlaps(s.minL) {
				s.delayUpper = true
			}
		}
	}
	return delayed, nullable.intersect(was)
}

// distribute files a condition with its entry, or with the joins.
func (r *root) distribute(q *qual) {
	if q.req.count() == 1 {
		rti := q.req.first()
		r.baseQuals[rti] = append(r.baseQuals[rti], q)
		return
	}
	if !slices.Contains(r.joinQuals, q) {
		r.joinQuals = append(r.joinQuals, q)
	}
}

// outerConstants derives constants through outer joins: of a LEFT JOIN b ON a.x =
// b.y with a.x = 1, the scan of b can check b.y = 1.
func (r *root) outerConstants() {
	for _, q := range r.outerQuals {
		if q.equal == nil || q.leftR == nil {
			continue
		}
		for _, s := range r.specials {
			if s.kind != node.JoinLeft && s.kind != node.JoinAnti || !q.req.equal(s.minL.union(s.minR)) {
				continue
			}
			outer, inner := q.left, q.right
			if q.rightR.in(s.synL) && q.leftR.in(s.synR) {
				outer, inner = inner, outer
			} else if !q.leftR.in(s.synL) || !q.rightR.in(s.synR) {
				continue
			}
			r.outerConstant(q, outer, inner)
		}
	}
}

func (r *root) outerConstant(q *qual, outer, inner node.Node) {
	op := q.e.(*node.OpExpr)
	for _, c := range r.classes {
		if !c.constant || c.volatile || c.collation != op.Inputcollid || !slices.Equal(c.families, q.equal) {
			continue
		}
		if !slices.ContainsFunc(c.members, func(m *member) bool { return node.Equal(bare(m.e), bare(outer)) }) {
			continue
		}
		for _, m := range c.members {
			if !m.ids.empty() {
				continue
			}
			t := node.ExprType(inner)
			eq, err := r.cat.FamilyOperator(c.families[0], t, m.typ, 3)
			o, err2 := r.cat.Operator(eq)
			if err != nil || eq == oid.Invalid || err2 != nil {
				continue
			}
			n := r.makeQual(&node.OpExpr{Opno: eq, Opfuncid: o.Func, Opresulttype: oid.Bool, Inputcollid: op.Inputcollid, Args: []node.Node{inner, m.e}, Location: -1})
			n.req, n.pushed = n.need, true
			if !r.equate(n, true) {
				r.distribute(n)
			}
			q.spent = true
			return
		}
		return
	}
}

// sameSides turns x = x into x IS NOT NULL.
func (r *root) sameSides(q *qual) {
	if o, err := r.cat.Operator(q.op); err != nil || !o.Strict || !node.Equal(q.left, q.right) {
		return
	}
	n := r.makeQual(&node.NullTest{Arg: q.left, Nulltesttype: node.IsNotNull, Location: -1})
	n.req, n.pushed, n.nullable = q.req, q.pushed, q.nullable
	*q = *n
}

// surelyNull reports whether e asks a column to be NULL that an anti join nulls.
func (r *root) surelyNull(e node.Node) bool {
	return slices.ContainsFunc(forcedNull(e), func(v *node.Var) bool {
		return slices.ContainsFunc(r.specials, func(s *special) bool { return s.kind == node.JoinAnti && s.synR.has(v.Varno) })
	})
}

// dropUniqueSemis makes semi joins inner joins where the right side has one match
// at most.
func (r *root) dropUniqueSemis() {
	r.specials = slices.DeleteFunc(r.specials, func(s *special) bool {
		if s.kind != node.JoinSemi || s.minR.count() != 1 || !s.minR.equal(s.synR) {
			return false
		}
		b := r.rels[s.minR.first()]
		if b == nil {
			return false
		}
		o := &rel{ids: s.minL}
		return r.uniqueFor(b, o, r.restrictions(s.minL.union(s.minR), o, b), node.JoinSemi)
	})
}
