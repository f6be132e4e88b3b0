package plan

import (
	"slices"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

func (r *root) groupingSets() ([][]int, error) {
	q := r.q
	if len(q.GroupingSets) == 0 {
		return nil, nil
	}
	pos := map[int]int{}
	for i, c := range q.GroupClause {
		pos[c.TleSortGroupRef] = i
	}
	sets := [][]int{{}}
	for _, gs := range q.GroupingSets {
		one, err := expandSet(gs)
		if err != nil {
			return nil, err
		}
		var next [][]int
		for _, a := range sets {
			for _, b := range one {
				next = append(next, append(slices.Clone(a), b...))
			}
		}
		sets = next
	}
	seen := map[string]bool{}
	var out [][]int
	for _, s := range sets {
		var ps []int
		key := make([]byte, len(q.GroupClause))
		for _, ref := range s {
			if p := pos[ref]; key[p] == 0 {
				key[p] = 1
				ps = append(ps, p)
			}
		}
		if q.GroupDistinct && seen[string(key)] {
			continue
		}
		seen[string(key)] = true
		out = append(out, ps)
	}
	return out, nil
}

func expandSet(n node.Node) ([][]int, error) {
	gs, ok := n.(*node.GroupingSet)
	if !ok {
		return nil, pgerr.New(pgerr.InternalError, "unexpected node %T in GROUPING SETS", n)
	}
	var parts [][]int // of ROLLUP and CUBE
	var all [][]int
	switch gs.Kind {
	case node.GroupingSetEmpty:
		return [][]int{{}}, nil
	case node.GroupingSetSimple:
		return [][]int{gs.Content.(node.IntList)}, nil
	}
	for _, k := range gs.Content.(node.List) {
		e, err := expandSet(k)
		if err != nil {
			return nil, err
		}
		all = append(all, e...)
		parts = append(parts, e[0])
	}
	switch gs.Kind {
	case node.GroupingSetSets:
		return all, nil
	case node.GroupingSetRollup:
		var out [][]int
		for n := len(parts); n >= 0; n-- {
			out = append(out, slices.Concat(parts[:n]...))
		}
		return out, nil
	}
	var out [][]int
	for mask := 1<<len(parts) - 1; mask >= 0; mask-- {
		var s []int
		for i := range parts {
			if mask&(1<<(len(parts)-1-i)) != 0 {
				s = append(s, parts[i]...)
			}
		}
		out = append(out, s)
	}
	return out, nil
}

func (r *root) setGroupingCols() {
	fix := func(e node.Node) node.Node {
		return node.Mutate(e, func(n node.Node) (node.Node, bool) {
			g, ok := n.(*node.GroupingFunc)
			if !ok {
				return nil, false
			}
			c := *g
			c.Cols = nil
			for _, ref := range g.Refs {
				c.Cols = append(c.Cols, slices.IndexFunc(r.q.GroupClause, func(k *node.SortGroupClause) bool { return k.TleSortGroupRef == ref }))
			}
			return &c, true
		})
	}
	if len(r.q.GroupingSets) == 0 {
		return
	}
	r.q.TargetList = mapTlist(r.q.TargetList, fix)
	if r.q.HavingQual != nil {
		r.q.HavingQual = fix(r.q.HavingQual)
	}
}
