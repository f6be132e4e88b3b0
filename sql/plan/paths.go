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
	width   float64
	keys    []sortKey // the order of its rows
	needs   relids    // entries whose current row it takes as parameters
	covered []*qual   // join conditions that it checks by its parameters
	make    func() (Plan, error)
	// rescan is the cost of running it again, if that is not the same.
	rescan func() (startup, total float64)
	// Of index scans.
	ix        *Index
	use       []match
	indexCost float64
	indexSel  float64
	only      bool
	bitmap    *bitmapTree
	keepsRows bool // a repeated scan is cheap already: no Material above it
	marks     bool // can return to a marked row
	passes    bool // it cannot compute a target list
	outer     bool // inner side of an index nested loop that is known to be joined by index
}

// sortKey is one key of an order: an equivalence class, and the ordering
// operator's family and direction. e is one expression of the class.
type sortKey struct {
	ec         *eclass
	e          node.Node
	op         oid.OID
	family     oid.OID
	collation  oid.OID
	desc       bool
	nullsFirst bool
}

func (k sortKey) same(l sortKey) bool {
	return k.ec.top() == l.ec.top() && k.family == l.family && k.desc == l.desc && k.nullsFirst == l.nullsFirst
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
func ordered(have, want []sortKey) bool { return commonKeys(have, want) == len(want) }

// commonKeys is how many keys of want the order have begins with.
func commonKeys(have, want []sortKey) int {
	n := 0
	for n < len(have) && n < len(want) && have[n].same(want[n]) {
		n++
	}
	return n
}

// Verdicts of comparisons of paths.
const (
	alike = iota
	first
	second
	unlike
)

// compareCosts compares paths; differences within fuzz do not count.
func compareCosts(p, o *path, startupMatters bool, fuzz float64) int {
	switch {
	case p.total > o.total*fuzz:
		if startupMatters && o.startup > p.startup*fuzz {
			return unlike
		}
		return second
	case o.total > p.total*fuzz:
		if startupMatters && p.startup > o.startup*fuzz {
			return unlike
		}
		return first
	case p.startup > o.startup*fuzz:
		return second
	case o.startup > p.startup*fuzz:
		return first
	}
	return alike
}

func compareKeys(a, b []sortKey) int {
	n := commonKeys(a, b)
	switch {
	case n == len(a) && n == len(b):
		return alike
	case n == len(b):
		return first
	case n == len(a):
		return second
	}
	return unlike
}

func compareNeeds(a, b relids) int {
	x, y := a.in(b), b.in(a)
	switch {
	case x && y:
		return alike
	case x:
		return first
	case y:
		return second
	}
	return unlike
}

// verdict says whether p displaces o, or o makes p pointless.
func (b *rel) verdict(p, o *path) (drop, reject bool) {
	const fuzz = 1.01
	c := compareCosts(p, o, b.fast && p.needs.empty() || b.fastParams && !p.needs.empty(), fuzz)
	if c == unlike {
		return false, false
	}
	var pk, ok []sortKey
	if p.needs.empty() {
		pk = p.keys
	}
	if o.needs.empty() {
		ok = o.keys
	}
	k := compareKeys(pk, ok)
	if k == unlike {
		return false, false
	}
	n := compareNeeds(p.needs, o.needs)
	pWins := (n == alike || n == first) && p.rows <= o.rows
	oWins := (n == alike || n == second) && p.rows >= o.rows
	switch c {
	case first:
		return k != second && pWins, false
	case second:
		return false, k != first && oWins
	}
	switch {
	case k == first:
		return pWins, false
	case k == second:
		return false, oWins
	case n == alike && p.rows < o.rows:
		return true, false
	case n == alike && p.rows > o.rows:
		return false, true
	case n == alike:
		better := compareCosts(p, o, b.fast && p.needs.empty() || b.fastParams && !p.needs.empty(), 1.0000000001) == first
		return better, !better
	case n == first:
		return p.rows <= o.rows, false
	case n == second:
		return false, p.rows >= o.rows
	}
	return false, false
}

// add keeps p unless another path is as good in every respect, and drops those
// that p beats. Paths stay in the order of their total costs.
func (b *rel) add(p *path) {
	p.rel = b
	if p.width == 0 {
		p.width = b.width
	}
	at := 0
	for i := 0; i < len(b.paths); {
		o := b.paths[i]
		drop, reject := b.verdict(p, o)
		if drop {
			b.paths = slices.Delete(b.paths, i, i+1)
			continue
		}
		i++
		if p.total >= o.total {
			at = i
		}
		if reject {
			return
		}
	}
	b.paths = slices.Insert(b.paths, at, p)
}

// best is the path that asks for no parameters beyond lateral ones and is the
// cheapest in total, or to start. Nil if there is none.
func (b *rel) best(byStartup bool) *path {
	var best *path
	for _, p := range b.paths {
		if p.needs.empty() && (best == nil || cheaper(p, best, byStartup)) {
			best = p
		}
	}
	return best
}

// cheaper compares total costs, startup costs breaking ties, or the other way.
func cheaper(p, o *path, byStartup bool) bool {
	a, b, c, d := p.total, o.total, p.startup, o.startup
	if byStartup {
		a, b, c, d = c, d, a, b
	}
	if a != b {
		return a < b
	}
	if c != d {
		return c < d
	}
	return compareKeys(p.keys, o.keys) == first
}

// cheapestOrdered is the cheapest path in an order that takes no more than given.
func cheapestOrdered(paths []*path, keys []sortKey, given relids, byStartup bool) *path {
	var best *path
	for _, p := range paths {
		if best != nil && !strictlyCheaper(p, best, byStartup) {
			continue
		}
		if ordered(p.keys, keys) && p.needs.in(given) {
			best = p
		}
	}
	return best
}

func strictlyCheaper(p, o *path, byStartup bool) bool {
	a, b, c, d := p.total, o.total, p.startup, o.startup
	if byStartup {
		a, b, c, d = c, d, a, b
	}
	return a < b || a == b && c < d
}

// fractional is the cheapest path, of those without parameters, for the given
// share (or, from 1 on, number) of the rows.
func fractional(paths []*path, fraction float64) *path {
	var best *path
	for _, p := range paths {
		if p.needs.empty() && (best == nil || fractionCost(p, fraction) < fractionCost(best, fraction)) {
			best = p
		}
	}
	return best
}

func fractionCost(p *path, fraction float64) float64 {
	if fraction >= 1 && p.rows > 0 {
		fraction /= p.rows
	}
	if fraction <= 0 || fraction >= 1 {
		return p.total
	}
	return p.startup + fraction*(p.total-p.startup)
}

// again is the cost of running p once more.
func (p *path) again() (startup, total float64) {
	if p.rescan != nil {
		return p.rescan()
	}
	return p.startup, p.total
}

func (r *root) build(p *path) (Plan, error) {
	plan, err := p.make()
	if err != nil {
		return nil, err
	}
	c := plan.Common()
	c.StartupCost, c.TotalCost, c.Rows, c.Width = p.startup, p.total, p.rows, int(p.width)
	if res, ok := plan.(*Result); ok && res.Left != nil && res.Left.Common().TotalCost == 0 {
		in := res.Left.Common()
		in.StartupCost, in.TotalCost, in.Rows, in.Width = c.StartupCost, c.TotalCost, c.Rows, c.Width
	}
	return plan, nil
}

// material keeps the rows of p.
func (r *root) material(p *path) *path {
	m := &path{rel: p.rel, startup: p.startup, rows: p.rows, width: p.width, keys: p.keys, needs: p.needs, covered: p.covered,
		keepsRows: true, marks: true, passes: true}
	run := p.total - p.startup + 2*r.set.CPUOperatorCost*p.rows
	bytes := rowBytes(p.rows, p.width)
	if bytes > r.set.WorkMem {
		run += r.set.SeqPageCost * math.Ceil(bytes/8192)
	}
	m.total = p.startup + run
	m.rescan = func() (float64, float64) { return 0, r.keptRescan(p.rows, p.width, r.set.CPUOperatorCost) }
	m.make = func() (Plan, error) {
		in, err := r.build(p)
		if err != nil {
			return nil, err
		}
		return &Material{Node: *outline(in)}, nil
	}
	return m
}

// keptRescan is the cost of reading kept rows again.
func (r *root) keptRescan(rows, width, per float64) float64 {
	run := per * rows
	if bytes := rowBytes(rows, width); bytes > r.set.WorkMem {
		run += r.set.SeqPageCost * math.Ceil(bytes/8192)
	}
	return run
}
