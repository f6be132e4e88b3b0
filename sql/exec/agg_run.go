package exec

import (
	"slices"

	"github.com/pgmini/pgmini/sql/plan"
)

func (n *agg) Next(x *Execution) (*Batch, error) {
	if n.p.AggStrategy == plan.AggSorted && n.p.GroupingSets == nil {
		return n.nextSorted(x)
	}
	for {
		if !n.loaded {
			if err := n.load(x); err != nil {
				return nil, err
			}
		}
		if n.at < len(n.groups) {
			to := min(n.at+batchRows, len(n.groups))
			b, err := n.flush(x, n.at, to)
			n.at = to
			return b, err
		}
		if n.set+1 >= len(n.p.GroupingSets) {
			return nil, nil
		}
		n.set++
		n.loaded, n.at, n.groups = false, 0, nil
		n.table = map[string]int{}
		n.reps = newRowStore(n.in)
	}
}

// load reads all input into hashed groups, of the current grouping set if there
// are several.
func (n *agg) load(x *Execution) error {
	cols, keys := n.p.GrpColIdx, n.keys
	if n.p.GroupingSets != nil {
		cols, keys = nil, nil
		for _, pos := range n.p.GroupingSets[n.set] {
			cols, keys = append(cols, n.p.GrpColIdx[pos]), append(keys, n.keys[pos])
		}
	}
	plain := len(cols) == 0
	if plain {
		n.newGroup(nil, 0)
	}
	first := true
	err := n.input(x, func(b *Batch) error {
		if len(b.Sel) == 0 {
			return nil
		}
		if plain && first {
			first = false
			n.firstRow(b)
		}
		n.gid = n.gid[:0]
		for _, i := range b.Sel {
			g := 0
			if !plain {
				g = n.find(b, i, cols, keys)
			}
			n.gid = append(n.gid, int32(g))
		}
		return n.step(x, b, b.Sel, n.gid, plain)
	})
	if plain && first && n.p.GroupingSets == nil && len(n.p.GrpColIdx) > 0 {
		n.groups = nil
	}
	n.loaded = true
	return err
}

// firstRow makes the first input row the one that stands for a plain group, for
// columns that depend on nothing.
func (n *agg) firstRow(b *Batch) {
	n.reps.reset()
	n.reps.add(b, b.Sel[:1])
}

// input calls f for every input batch; with several grouping sets the input is
// kept the first time.
func (n *agg) input(x *Execution, f func(*Batch) error) error {
	if n.set > 0 {
		out := newBatch(n.in, 0)
		for from := 0; from < n.store.n; from += batchRows {
			n.store.window(out, from, min(from+batchRows, n.store.n))
			if err := f(out); err != nil {
				return err
			}
		}
		return nil
	}
	if len(n.p.GroupingSets) > 1 {
		n.store = newRowStore(n.in)
	}
	for {
		b, err := n.child.Next(x)
		if b == nil || err != nil {
			return err
		}
		if n.store != nil {
			n.store.add(b, b.Sel)
		}
		if err := f(b); err != nil {
			return err
		}
	}
}

// find returns the group of row i, made if it is new.
func (n *agg) find(b *Batch, i int32, cols []int, keys []keyEncoder) int {
	if n.byInt && !b.Cols[cols[0]-1].Nulls[i] {
		k := b.Cols[cols[0]-1].Ints[i]
		g, ok := n.ints[k]
		if !ok {
			g = n.newGroup(b, i)
			n.ints[k] = g
		}
		return g
	}
	n.key = appendKey(n.key[:0], keys, b, cols, i)
	g, ok := n.table[string(n.key)]
	if !ok {
		g = n.newGroup(b, i)
		n.table[string(n.key)] = g
	}
	return g
}

// nextSorted reads input sorted by the group columns: a group ends where they
// change.
func (n *agg) nextSorted(x *Execution) (*Batch, error) {
	for !n.ended {
		if len(n.groups) > batchRows {
			return n.flushDone(x)
		}
		b, err := n.child.Next(x)
		if err != nil {
			return nil, err
		}
		if b == nil {
			n.ended = true
			break
		}
		if err := n.stepSorted(x, b); err != nil {
			return nil, err
		}
	}
	if len(n.groups) == 0 {
		return nil, nil
	}
	k := min(len(n.groups), batchRows)
	out, err := n.flush(x, 0, k)
	n.drop(k)
	return out, err
}

// stepSorted feeds one batch, run by run of equal keys.
func (n *agg) stepSorted(x *Execution, b *Batch) error {
	for from := 0; from < len(b.Sel); {
		next := appendKey(nil, n.keys, b, n.p.GrpColIdx, b.Sel[from])
		if len(n.groups) == 0 || string(next) != string(n.lastKey) {
			n.newGroup(b, b.Sel[from])
			n.lastKey = next
		}
		to := from + 1
		for to < len(b.Sel) {
			n.runKey = appendKey(n.runKey[:0], n.keys, b, n.p.GrpColIdx, b.Sel[to])
			if string(n.runKey) != string(n.lastKey) {
				break
			}
			to++
		}
		g := int32(len(n.groups) - 1)
		n.gid = n.gid[:0]
		for range to - from {
			n.gid = append(n.gid, g)
		}
		if err := n.step(x, b, b.Sel[from:to], n.gid, true); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// flushDone emits all groups but the last, which may go on.
func (n *agg) flushDone(x *Execution) (*Batch, error) {
	k := min(len(n.groups)-1, batchRows)
	out, err := n.flush(x, 0, k)
	n.drop(k)
	return out, err
}

// drop forgets the first k groups and their rows.
func (n *agg) drop(k int) {
	rest := newRowStore(n.in)
	keep := newBatch(n.in, 0)
	var rows []int32
	for g := k; g < len(n.groups); g++ {
		rows = append(rows, int32(n.groups[g].first))
	}
	n.reps.fill(keep, rows)
	rest.add(keep, all2(len(rows)))
	n.reps = rest
	n.groups = slices.Clone(n.groups[k:])
	for i := range n.groups {
		n.groups[i].first = i
	}
}

// all2 is all for counts that may exceed a batch.
func all2(n int) []int32 {
	if n <= batchRows {
		return all(n)
	}
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

func (n *agg) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.reset()
	return n.child.Rescan(x, changed)
}

func (n *agg) Close(*Execution) { n.reset() }
