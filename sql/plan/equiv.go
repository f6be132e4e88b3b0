package plan

import (
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// eclass is a set of expressions that are equal in every row above the scans
// and joins that check it (PostgreSQL: EquivalenceClass).
type eclass struct {
	families   []oid.OID
	collation  oid.OID
	members    []*member
	sources    []*qual
	derived    []derivation
	ids        relids
	constant   bool // a member has no variables
	volatile   bool
	belowOuter bool
	broken     bool    // some equality of it cannot be expressed: the sources are used
	merged     *eclass // the class that took it over
}

// member is one expression of a class.
type member struct {
	e        node.Node
	ids      relids
	nullable relids // entries that an outer join below may have nulled
	typ      oid.OID
}

// derivation remembers which condition says that two members are equal.
type derivation struct {
	a, b *member
	q    *qual
}

func (c *eclass) top() *eclass {
	for c != nil && c.merged != nil {
		c = c.merged
	}
	return c
}

func (c *eclass) insert(e node.Node, ids, nullable relids, t oid.OID) *member {
	m := &member{e: e, ids: ids, nullable: nullable, typ: t}
	if ids.empty() {
		c.constant = true
	}
	c.members = append(c.members, m)
	c.ids = c.ids.union(ids)
	return m
}

func (c *eclass) find(e node.Node, t oid.OID, nullable relids, constants bool) *member {
	e = bare(e)
	for _, m := range c.members {
		if m.ids.empty() && !constants {
			continue
		}
		if m.typ == t && m.nullable.equal(nullable) && node.Equal(bare(m.e), e) {
			return m
		}
	}
	return nil
}

// equalFamilies are the btree families in which op is equality, in order.
func (r *root) equalFamilies(op oid.OID) []oid.OID {
	fams, err := r.cat.Families(op)
	if err != nil {
		return nil
	}
	var out []oid.OID
	for _, f := range fams {
		if f.Strategy == 3 {
			out = append(out, f.Family)
		}
	}
	slices.Sort(out)
	return out
}

// equate makes the sides of q members of one class. It reports false if q must be
// checked as a condition after all.
func (r *root) equate(q *qual, belowOuter bool) bool {
	op := q.e.(*node.OpExpr)
	o, err := r.cat.Operator(op.Opno)
	if err != nil || !o.Strict {
		return false
	}
	lids, rids := varsOf(q.left), varsOf(q.right)
	if node.Equal(bare(q.left), bare(q.right)) {
		return false
	}
	ln, rn := lids.minus(lids.minus(q.nullable)), rids.minus(rids.minus(q.nullable))
	var lc, rc *eclass
	for _, c := range r.classes {
		if c.volatile || c.collation != op.Inputcollid || !slices.Equal(c.families, q.equal) {
			continue
		}
		consts := !belowOuter && !c.belowOuter
		if lc == nil && c.find(q.left, o.Left, ln, consts) != nil {
			lc = c
		}
		if rc == nil && c.find(q.right, o.Right, rn, consts) != nil {
			rc = c
		}
	}
	switch {
	case lc != nil && lc == rc:
	case lc != nil && rc != nil:
		lc.members, lc.sources, lc.derived = append(lc.members, rc.members...), append(lc.sources, rc.sources...), append(lc.derived, rc.derived...)
		lc.ids, lc.constant, lc.belowOuter = lc.ids.union(rc.ids), lc.constant || rc.constant, lc.belowOuter || rc.belowOuter
		rc.merged = lc
		r.classes = slices.DeleteFunc(r.classes, func(c *eclass) bool { return c == rc })
	case lc != nil:
		lc.insert(q.right, rids, rn, o.Right)
	case rc != nil:
		rc.insert(q.left, lids, ln, o.Left)
		lc = rc
	default:
		lc = &eclass{families: q.equal, collation: op.Inputcollid}
		lc.insert(q.left, lids, ln, o.Left)
		lc.insert(q.right, rids, rn, o.Right)
		r.classes = append(r.classes, lc)
	}
	lc.sources = append(lc.sources, q)
	lc.belowOuter = lc.belowOuter || belowOuter
	q.parent = lc
	return true
}

// classOf is the class of an expression that is sorted or merged by, made if
// there is none. t is the type that the operator family compares.
func (r *root) classOf(e node.Node, family, collation, t oid.OID) *eclass {
	eq, err := r.cat.FamilyOperator(family, t, t, 3)
	var fams []oid.OID
	if err == nil && eq != oid.Invalid {
		fams = r.equalFamilies(eq)
	}
	ids := varsOf(e)
	volatile := r.hasVolatile(e)
	for _, c := range r.classes {
		if volatile || c.volatile || c.collation != collation || !slices.Equal(c.families, fams) {
			continue
		}
		for _, m := range c.members {
			if m.ids.empty() && c.belowOuter {
				continue
			}
			if m.typ == t && node.Equal(bare(m.e), bare(e)) {
				return c
			}
		}
	}
	if volatile {
		for _, c := range r.classes {
			if c.volatile && node.Equal(c.members[0].e, e) {
				return c
			}
		}
	}
	c := &eclass{families: fams, collation: collation, volatile: volatile}
	var nullable relids
	for _, s := range r.specials {
		nullable = nullable.union(s.nulls())
	}
	c.insert(e, ids, ids.minus(ids.minus(nullable)), t)
	if ids.empty() && (volatile || hasSet(e) || node.Any(e, func(n node.Node) bool {
		switch n.(type) {
		case *node.Aggref, *node.WindowFunc, *node.GroupingFunc:
			return true
		}
		return false
	})) {
		c.constant = false
	}
	r.classes = append(r.classes, c)
	return c
}

// derive is the condition that two members are equal, nil if no operator says so.
func (r *root) derive(c *eclass, a, b *member) *qual {
	for _, d := range c.derived {
		if d.a == a && d.b == b {
			return d.q
		}
	}
	for _, s := range c.sources {
		if s.left == nil {
			continue
		}
		// The condition as it was written, if it says the same.
		if node.Equal(s.left, a.e) && node.Equal(s.right, b.e) {
			c.derived = append(c.derived, derivation{a, b, s})
			return s
		}
	}
	op := oid.Invalid
	for _, f := range c.families {
		if o, err := r.cat.FamilyOperator(f, a.typ, b.typ, 3); err == nil && o != oid.Invalid {
			op = o
			break
		}
	}
	o, err := r.cat.Operator(op)
	if op == oid.Invalid || err != nil {
		return nil
	}
	e := &node.OpExpr{Opno: op, Opfuncid: o.Func, Opresulttype: oid.Bool, Inputcollid: c.collation, Args: []node.Node{a.e, b.e}, Location: -1}
	q := r.makeQual(e)
	q.parent = c
	q.pushed = true
	q.req = q.need
	c.derived = append(c.derived, derivation{a, b, q})
	return q
}

// baseEqualities adds what the classes say about single entries: a constant, or
// two columns of one entry.
func (r *root) baseEqualities() {
	for i := 0; i < len(r.classes); i++ {
		c := r.classes[i]
		if len(c.members) < 2 || c.volatile {
			continue
		}
		if c.constant {
			r.constantEqualities(c)
			continue
		}
		last := map[int]*member{}
		for _, m := range c.members {
			if m.ids.count() != 1 {
				continue
			}
			rti := m.ids.first()
			if p := last[rti]; p != nil {
				if q := r.derive(c, p, m); q != nil {
					r.distributeDerived(q)
				} else {
					c.broken = true
				}
			}
			last[rti] = m
		}
		if c.broken {
			r.distributeSources(c, true)
		}
	}
}

func (r *root) constantEqualities(c *eclass) {
	if len(c.members) == 2 && len(c.sources) == 1 {
		if s := c.sources[0]; !s.need.empty() {
			r.distributeDerived(s)
			return
		}
	}
	var k *member
	for _, m := range c.members {
		if m.ids.empty() {
			if _, ok := isConst(m.e); ok {
				k = m
				break
			}
			if k == nil {
				k = m
			}
		}
	}
	for _, m := range c.members {
		if m == k {
			continue
		}
		q := r.derive(c, m, k)
		if q == nil {
			c.broken = true
			break
		}
		r.distributeDerived(q)
	}
	if c.broken {
		r.distributeSources(c, false)
	}
}

// distributeSources puts the written conditions of a class that cannot say all
// equalities where they belong.
func (r *root) distributeSources(c *eclass, single bool) {
	for _, s := range c.sources {
		if !single || s.need.count() <= 1 {
			r.distribute(s)
		}
	}
}

// distributeDerived puts a condition between constants or on one entry where it is
// checked.
func (r *root) distributeDerived(q *qual) {
	if q.need.empty() {
		e := r.fold(q.e)
		if k, ok := isConst(e); ok && !k.Constisnull && k.Constvalue.Bool() {
			return
		}
		n := r.makeQual(e)
		n.pseudo, n.pushed, n.req = true, true, r.allIDs
		r.distribute(n)
		return
	}
	q.req = q.need
	r.distribute(q)
}

// joinEqualities are the conditions by which the classes relate outer and inner
// where they are joined to join.
func (r *root) joinEqualities(join, outer, inner relids) []*qual {
	var out []*qual
	for _, c := range r.classes {
		if c.constant && !c.belowOuterConst() || len(c.members) < 2 || !c.ids.overlaps(outer) || !c.ids.overlaps(inner) {
			continue
		}
		if c.broken {
			for _, s := range c.sources {
				if s.need.in(join) && s.need.overlaps(outer) && s.need.overlaps(inner) {
					out = append(out, s)
				}
			}
			continue
		}
		out = append(out, r.classEqualities(c, join, outer, inner)...)
	}
	return out
}

func (c *eclass) belowOuterConst() bool { return false }

// classEqualities is joinEqualities for one class: one condition between the
// sides, and those among members that only the join can compute.
func (r *root) classEqualities(c *eclass, join, outer, inner relids) []*qual {
	var os, is, news []*member
	for _, m := range c.members {
		switch {
		case m.ids.empty() || !m.ids.in(join):
		case m.ids.in(outer):
			os = append(os, m)
		case m.ids.in(inner):
			is = append(is, m)
		default:
			news = append(news, m)
		}
	}
	var out []*qual
	if len(os) > 0 && len(is) > 0 {
		var best *qual
		score := -1
		for _, a := range os {
			for _, b := range is {
				q := r.derive(c, a, b)
				if q == nil {
					continue
				}
				s := 0
				for _, m := range []*member{a, b} {
					if _, ok := bare(m.e).(*node.Var); ok {
						s++
					}
				}
				if q.canHash {
					s++
				}
				if s > score {
					best, score = q, s
				}
				if score == 3 {
					break
				}
			}
			if score == 3 {
				break
			}
		}
		if best != nil {
			out = append(out, best)
		}
	}
	if len(news) > 0 {
		all := append(append(slices.Clone(os), is...), news...)
		var prev *member
		if len(os) > 0 {
			prev = os[0]
		} else if len(is) > 0 {
			prev = is[0]
		}
		for _, m := range all[len(os)+len(is):] {
			if prev != nil {
				if q := r.derive(c, prev, m); q != nil {
					out = append(out, q)
				}
			}
			prev = m
		}
	}
	return out
}

// relates reports whether a class has members on both sides.
func (r *root) relates(a, b relids) bool {
	for _, c := range r.classes {
		if len(c.members) > 1 && !c.constant && c.ids.overlaps(a) && c.ids.overlaps(b) {
			in := func(s relids) bool {
				return slices.ContainsFunc(c.members, func(m *member) bool { return !m.ids.empty() && m.ids.overlaps(s) })
			}
			if in(a) && in(b) {
				return true
			}
		}
	}
	return false
}

// memberFor is a member of c that can be computed from ids.
func (c *eclass) memberFor(ids relids) *member {
	for _, m := range c.members {
		if !m.ids.empty() && m.ids.in(ids) {
			return m
		}
	}
	return nil
}
