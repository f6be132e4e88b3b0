package plan

import (
	"math"

	"github.com/pgmini/pgmini/sql/node"
)

type bitmapPart struct {
	ix   *Index
	use  []match
	sel  float64
	cost float64
}

func (r *root) bitmapPath(b *rel, parts []bitmapPart, rest []*qual, src relids, rows float64) {
	sel, cost := 1.0, 0.0
	for _, p := range parts {
		sel *= p.sel
		cost += p.cost
	}
	p := r.bitmapCost(b, sel, cost, rest)
	p.rows, p.needs = rows, src
	for _, part := range parts {
		p.covered = append(p.covered, joinsOf(part.use)...)
	}
	p.make = func() (Plan, error) {
		s := &BitmapHeapScan{}
		var kids []Plan
		for _, part := range parts {
			k := &BitmapIndexScan{IndexID: part.ix.Rel.OID}
			k.ScanRelid = b.rti
			k.IndexKeys, k.IndexQual = r.keysOf(part.use)
			k.Rows = clamp(part.sel * b.tuples)
			k.TotalCost = part.cost
			kids = append(kids, k)
			s.BitmapQualOrig = append(s.BitmapQualOrig, k.IndexQual...)
		}
		s.Left = kids[0]
		if len(kids) > 1 {
			s.Left = &BitmapAnd{Plans: kids}
		}
		r.fillScan(&s.Scan, b, rest)
		return s, nil
	}
	b.add(p)
}

func (r *root) bitmapCost(b *rel, sel, cost float64, rest []*qual) *path {
	tuples := clamp(sel * b.tuples)
	pages := r.fetched(tuples, b.pages)
	per := r.set.RandomPageCost
	if pages >= 2 {
		per = r.set.RandomPageCost - (r.set.RandomPageCost-r.set.SeqPageCost)*math.Sqrt(pages/math.Max(b.pages, 1))
	}
	p := &path{startup: cost + 0.1*r.set.CPUOperatorCost*tuples}
	p.total = p.startup + pages*per + tuples*(r.set.CPUTupleCost+r.set.CPUOperatorCost+r.qualCost(rest))
	if r.set.NoBitmapScan {
		p.startup, p.total = p.startup+disabled, p.total+disabled
	}
	return p
}

func (r *root) bitmapOrPaths(b *rel) {
	for _, q := range b.quals {
		or, ok := q.e.(*node.BoolExpr)
		if !ok || or.Boolop != node.OrExpr {
			continue
		}
		var parts []bitmapPart
		for _, arm := range or.Args {
			part, ok := r.armPart(b, arm)
			if !ok {
				parts = nil
				break
			}
			parts = append(parts, part)
		}
		if parts == nil {
			continue
		}
		sel, cost := 0.0, 0.0
		for _, p := range parts {
			sel = sel + p.sel - sel*p.sel
			cost += p.cost
		}
		p := r.bitmapCost(b, sel, cost, b.quals)
		p.rows = b.rows
		p.make = func() (Plan, error) {
			o := &BitmapOr{}
			for _, part := range parts {
				k := &BitmapIndexScan{IndexID: part.ix.Rel.OID}
				k.ScanRelid = b.rti
				k.IndexKeys, k.IndexQual = r.keysOf(part.use)
				k.Rows, k.TotalCost = clamp(part.sel*b.tuples), part.cost
				o.Plans = append(o.Plans, k)
			}
			s := &BitmapHeapScan{BitmapQualOrig: []node.Node{q.e}}
			s.Left = o
			r.fillScan(&s.Scan, b, b.quals)
			return s, nil
		}
		b.add(p)
	}
}

func (r *root) armPart(b *rel, arm node.Node) (bitmapPart, bool) {
	var quals []*qual
	for _, e := range andList(arm) {
		quals = append(quals, r.makeQual(e))
	}
	var best bitmapPart
	found := false
	for _, ix := range b.indexes {
		if len(ix.Pred) > 0 && !r.implied(b, ix) {
			continue
		}
		var use []match
		sel := 1.0
		for _, m := range flat(r.matches(b, ix, quals, nil)) {
			use = append(use, m)
			sel *= r.matchSel(m)
		}
		if len(use) == 0 || len(r.matches(b, ix, quals, nil)[0]) == 0 {
			continue
		}
		cost, _ := r.indexCost(ix, sel*b.tuples, len(use), 1)
		if !found || cost < best.cost {
			best, found = bitmapPart{ix: ix, use: use, sel: sel, cost: cost}, true
		}
	}
	return best, found
}
