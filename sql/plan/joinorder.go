package plan

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/sql/node"
)

// exhaustive is up to how many relations all join orders are tried; beyond it the
// cheapest pair is joined first, again and again.
const exhaustive = 11

// joinList plans a problem: its parts, then the joins between them.
func (r *root) joinList(list []*problem) (*rel, error) {
	var rels []*rel
	for _, p := range list {
		b := r.rels[p.rti]
		if p.rti == 0 {
			var err error
			if b, err = r.joinList(p.list); err != nil {
				return nil, err
			}
		}
		if b == nil || len(b.paths) == 0 {
			return nil, nil
		}
		rels = append(rels, b)
	}
	if len(rels) == 1 {
		return rels[0], nil
	}
	if len(rels) > exhaustive {
		return r.greedy(rels), nil
	}
	return r.searchOrders(rels), nil
}

// search is the state of a search over join orders.
type search struct {
	levels [][]*rel // levels[n]: joins of n+1 parts
	parts  relids
	known  []*rel
}

func (r *root) searchOrders(base []*rel) *rel {
	s := &search{levels: make([][]*rel, len(base))}
	s.levels[0] = base
	s.known = slices.Clone(base)
	for n := 1; n < len(base); n++ {
		r.searchLevel(s, n)
		for _, j := range s.levels[n] {
			r.finishRel(j)
		}
		s.levels[n] = slices.DeleteFunc(s.levels[n], func(j *rel) bool { return len(j.paths) == 0 })
	}
	if last := s.levels[len(base)-1]; len(last) > 0 {
		return last[0]
	}
	return nil
}

// searchLevel joins all pairs that give n+1 parts: joins with one more part first,
// then joins of joins, and products only if there is nothing else.
func (r *root) searchLevel(s *search, n int) {
	base := s.levels[0]
	for i, old := range s.levels[n-1] {
		others := base
		if n == 1 {
			others = base[i+1:]
		}
		if r.wantsJoin(old) {
			for _, o := range others {
				if !o.ids.overlaps(old.ids) && (r.related(old, o) || r.ordained(old, o)) {
					r.tryJoin(s, n, old, o)
				}
			}
			continue
		}
		for _, o := range others {
			if !o.ids.overlaps(old.ids) {
				r.tryJoin(s, n, old, o)
			}
		}
	}
	for k := 1; k <= n-1-k; k++ {
		other := n - 1 - k
		for i, old := range s.levels[k] {
			if !r.wantsJoin(old) {
				continue
			}
			list := s.levels[other]
			if k == other {
				list = list[i+1:]
			}
			for _, o := range list {
				if !o.ids.overlaps(old.ids) && (r.related(old, o) || r.ordained(old, o)) {
					r.tryJoin(s, n, old, o)
				}
			}
		}
	}
	if len(s.levels[n]) > 0 {
		return
	}
	for i, old := range s.levels[n-1] {
		others := base
		if n == 1 {
			others = base[i+1:]
		}
		for _, o := range others {
			if !o.ids.overlaps(old.ids) {
				r.tryJoin(s, n, old, o)
			}
		}
	}
}

func (r *root) tryJoin(s *search, n int, a, b *rel) {
	ids := a.ids.union(b.ids)
	var j *rel
	for _, k := range s.levels[n] {
		if k.ids.equal(ids) {
			j = k
		}
	}
	fresh := j == nil
	if fresh {
		j = &rel{ids: ids, fast: r.fraction > 0, unique: map[*special]*path{}}
	}
	if r.join(j, a, b) && fresh {
		s.levels[n] = append(s.levels[n], j)
	}
}

// wantsJoin reports whether something relates b to others.
func (r *root) wantsJoin(b *rel) bool {
	for _, q := range r.joinQuals {
		if q.req.overlaps(b.ids) && !q.req.in(b.ids) {
			return true
		}
	}
	for _, c := range r.classes {
		if len(c.members) > 1 && !c.constant && c.ids.overlaps(b.ids) && !c.ids.in(b.ids) {
			return true
		}
	}
	if !b.lateral.empty() || slices.ContainsFunc(r.rtis, func(k int) bool { return r.rels[k] != nil && r.rels[k].lateral.overlaps(b.ids) }) {
		return true
	}
	for _, s := range r.specials {
		if s.kind == node.JoinFull {
			if s.synL.equal(b.ids) || s.synR.equal(b.ids) {
				return true
			}
			continue
		}
		all := s.minL.union(s.minR)
		if all.in(b.ids) {
			continue
		}
		if s.minL.overlaps(b.ids) && s.minL.count() > 1 && false || s.minR.overlaps(b.ids) && s.minR.count() >= 1 {
			return true
		}
		if s.minL.overlaps(b.ids) {
			return true
		}
	}
	return false
}

// related reports whether a condition names both sides.
func (r *root) related(a, b *rel) bool {
	for _, q := range r.joinQuals {
		if q.req.overlaps(a.ids) && q.req.overlaps(b.ids) && !q.pseudo {
			return true
		}
	}
	return r.relates(a.ids, b.ids)
}

// ordained reports whether an outer join or a LATERAL reference makes the sides be
// joined though no condition names both.
func (r *root) ordained(a, b *rel) bool {
	if r.lateralTo(a, b) || r.lateralTo(b, a) {
		return true
	}
	for _, s := range r.specials {
		if s.kind == node.JoinFull {
			continue
		}
		if s.minL.in(a.ids) && s.minR.in(b.ids) || s.minL.in(b.ids) && s.minR.in(a.ids) {
			return true
		}
		both := func(side relids) bool { return side.overlaps(a.ids) && side.overlaps(b.ids) }
		if both(s.minR) || both(s.minL) {
			return true
		}
	}
	return false
}

// lateralTo reports whether b refers to a.
func (r *root) lateralTo(a, b *rel) bool {
	for k := range b.ids.each() {
		if o := r.rels[k]; o != nil && o.lateral.overlaps(a.ids) {
			return true
		}
	}
	return false
}

// legal finds the outer or semi join that joining a and b does; reversed says that
// a is its right side. It reports false if the pair must not be joined.
func (r *root) legal(a, b *rel, ids relids) (match *special, reversed, ok bool) {
	mustBeLeft := false
	for _, s := range r.specials {
		if !s.minR.overlaps(ids) || ids.in(s.minR) {
			continue
		}
		both := s.minL.union(s.minR)
		if both.in(a.ids) || both.in(b.ids) {
			continue
		}
		if s.kind == node.JoinSemi {
			if s.synR.in(a.ids) && !s.synR.equal(a.ids) || s.synR.in(b.ids) && !s.synR.equal(b.ids) {
				continue
			}
		}
		found, rev := false, false
		switch {
		case s.minL.in(a.ids) && s.minR.in(b.ids):
			found = true
		case s.minL.in(b.ids) && s.minR.in(a.ids):
			found, rev = true, true
		case s.kind == node.JoinSemi && s.synR.equal(b.ids) && r.uniquePath(b, s) != nil:
			found = true
		case s.kind == node.JoinSemi && s.synR.equal(a.ids) && r.uniquePath(a, s) != nil:
			found, rev = true, true
		}
		if found {
			if match != nil {
				return nil, false, false
			}
			match, reversed = s, rev
			continue
		}
		if a.ids.overlaps(s.minR) && b.ids.overlaps(s.minR) {
			continue
		}
		if s.kind != node.JoinLeft || ids.overlaps(s.minL) {
			return nil, false, false
		}
		mustBeLeft = true
	}
	if mustBeLeft && (match == nil || match.kind != node.JoinLeft || !match.strict) {
		return nil, false, false
	}
	if r.lateralTo(a, b) && r.lateralTo(b, a) {
		return nil, false, false
	}
	return match, reversed, true
}

// join adds the joins of a and b to j. It reports whether they may be joined.
func (r *root) join(j, a, b *rel) bool {
	s, reversed, ok := r.legal(a, b, j.ids)
	if !ok {
		return false
	}
	if reversed {
		a, b = b, a
	}
	quals := r.restrictions(j.ids, a, b)
	if j.rows == 0 {
		j.rows = r.joinRows(a, b, s, quals)
		j.width = r.tlistWidth(r.varTlist(j.ids))
	}
	kind := node.JoinInner
	if s != nil {
		kind = s.kind
	}
	if r.emptyJoin(j, a, b, kind, s, quals) {
		return true
	}
	switch kind {
	case node.JoinInner:
		r.joinPaths(j, a, b, node.JoinInner, s, quals)
		r.joinPaths(j, b, a, node.JoinInner, s, quals)
	case node.JoinLeft:
		r.joinPaths(j, a, b, node.JoinLeft, s, quals)
		r.joinPaths(j, b, a, node.JoinRight, s, quals)
	case node.JoinFull:
		r.joinPaths(j, a, b, node.JoinFull, s, quals)
		r.joinPaths(j, b, a, node.JoinFull, s, quals)
	case node.JoinAnti:
		r.joinPaths(j, a, b, node.JoinAnti, s, quals)
	case node.JoinSemi:
		if s.minL.in(a.ids) && s.minR.in(b.ids) {
			r.joinPaths(j, a, b, node.JoinSemi, s, quals)
		}
		if s.synR.equal(b.ids) {
			if u := r.uniquePath(b, s); u != nil {
				r.uniqueJoins(j, a, b, u, s, quals)
			}
		}
	}
	if len(j.paths) == 0 && kind == node.JoinFull {
		r.fullJoin = true
	}
	return true
}

// emptyJoin makes j a relation without rows if the sides or a condition say so.
func (r *root) emptyJoin(j, a, b *rel, kind node.JoinType, s *special, quals []*qual) bool {
	if j.empty {
		return true
	}
	no := func(pushedOnly bool) bool {
		return slices.ContainsFunc(quals, func(q *qual) bool { return (!pushedOnly || q.pushed) && excluded([]*qual{q}) })
	}
	empty := false
	switch kind {
	case node.JoinInner, node.JoinSemi:
		empty = a.empty || b.empty || no(false)
	case node.JoinLeft:
		empty = a.empty || no(true)
	case node.JoinFull:
		empty = a.empty && b.empty || no(true)
	case node.JoinAnti:
		empty = a.empty || no(true)
	}
	if empty {
		r.dummy(j)
	}
	return empty
}

// restrictions are the conditions due where a and b are joined.
func (r *root) restrictions(ids relids, a, b *rel) []*qual {
	var out []*qual
	for _, q := range r.joinQuals {
		if q.req.in(ids) && !q.req.in(a.ids) && !q.req.in(b.ids) {
			out = append(out, q)
		}
	}
	return append(out, r.joinEqualities(ids, a.ids, b.ids)...)
}

// context describes a join to the estimators.
func joinContextOf(a, b *rel, s *special) *joinContext {
	j := &joinContext{kind: node.JoinInner, left: a.ids, right: b.ids, outerRows: a.rows, innerRows: b.rows}
	if s != nil {
		j.kind, j.left, j.right = s.kind, s.synL, s.synR
	}
	return j
}

// joinRows estimates the size of a join.
func (r *root) joinRows(a, b *rel, s *special, quals []*qual) float64 {
	j := joinContextOf(a, b, s)
	if s == nil || s.kind == node.JoinInner || s.kind == node.JoinSemi {
		sel := r.selectivity(quals, j)
		if j.kind == node.JoinSemi {
			return clamp(a.rows * sel)
		}
		return clamp(a.rows * b.rows * sel)
	}
	var own, pushed []*qual
	for _, q := range quals {
		if q.pushed {
			pushed = append(pushed, q)
		} else {
			own = append(own, q)
		}
	}
	js, ps := r.selectivity(own, j), r.selectivity(pushed, j)
	rows := a.rows * b.rows * js
	switch s.kind {
	case node.JoinLeft:
		rows = math.Max(rows, a.rows)
	case node.JoinFull:
		rows = math.Max(rows, math.Max(a.rows, b.rows))
	case node.JoinAnti:
		rows = a.rows * (1 - js)
	}
	return clamp(rows * ps)
}

// greedy joins the pair with the fewest rows until one relation is left.
func (r *root) greedy(base []*rel) *rel {
	rels := slices.Clone(base)
	for len(rels) > 1 {
		var best *rel
		bi, bk := -1, -1
		for _, connected := range []bool{true, false} {
			for i := range rels {
				for k := i + 1; k < len(rels); k++ {
					if connected != (r.related(rels[i], rels[k]) || r.ordained(rels[i], rels[k])) {
						continue
					}
					j := &rel{ids: rels[i].ids.union(rels[k].ids), unique: map[*special]*path{}, fast: r.fraction > 0}
					if !r.join(j, rels[i], rels[k]) || len(j.paths) == 0 {
						continue
					}
					r.finishRel(j)
					if best == nil || j.rows < best.rows || j.rows == best.rows && j.paths[0].total < best.paths[0].total {
						best, bi, bk = j, i, k
					}
				}
			}
			if best != nil {
				break
			}
		}
		if best == nil {
			return nil
		}
		var next []*rel
		for i := range rels {
			if i != bi && i != bk {
				next = append(next, rels[i])
			}
		}
		rels = append(next, best)
	}
	return rels[0]
}
