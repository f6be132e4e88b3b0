package exec

import (
	"hash/maphash"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/sql/types"
)

// hashTable finds the rows of a store by key. A key is one integer or encoded
// bytes.
type hashTable struct {
	store   *rowStore
	seed    maphash.Seed
	heads   []int32 // bucket -> row + 1
	next    []int32 // row -> next row + 1
	ints    []int64
	keys    [][]byte
	byInt   bool
	mem     arena
	hashes  []uint64
	matched []bool
}

func newHashTable(shape columns, byInt bool) *hashTable {
	return &hashTable{store: newRowStore(shape), seed: maphash.MakeSeed(), byInt: byInt}
}

// mix spreads the bits of an integer key.
func mix(v int64) uint64 {
	h := uint64(v) * 0x9E3779B97F4A7C15
	return h ^ h>>29
}

func (t *hashTable) hash(key []byte) uint64 { return maphash.Bytes(t.seed, key) }

// link puts the rows from first on into buckets.
func (t *hashTable) finish() {
	size := 16
	for size < t.store.n {
		size *= 2
	}
	t.heads = make([]int32, size)
	t.next = make([]int32, t.store.n)
	for row := t.store.n - 1; row >= 0; row-- {
		b := t.hashes[row] & uint64(size-1)
		t.next[row] = t.heads[b]
		t.heads[b] = int32(row) + 1
	}
}

// hashJoin joins by equality of keys.
type hashJoin struct {
	joinCore
	p           *plan.HashJoin
	left, right Node
	okeys       []expr
	ikeys       []expr
	enc         []keyEncoder
	cmp         int
	tab         *hashTable
	inner       *Batch // gathered inner columns
	outerCols   *Batch // gathered outer columns
	pairO       []int32
	pairI       []int32
	ob          *Batch
	vecs        []*types.Vec
	oi          int   // position in ob.Sel
	chain       int32 // next candidate of row oi, 0: none looked up yet
	inChain     bool
	seen        []bool // outer rows of ob that matched
	key         []byte
	tail        int // inner rows already checked for a right join's rest
	done        bool
	sel         []int32
	emptyRest   bool
}

func (x *Execution) newHashJoin(p *plan.HashJoin) (Node, error) {
	n := &hashJoin{p: p}
	h, ok := p.Right.(*plan.Hash)
	if !ok {
		return nil, pgerr.New(pgerr.InternalError, "hash join without a hash")
	}
	var err error
	if n.left, err = x.build(p.Left); err != nil {
		return nil, err
	}
	if n.right, err = x.build(h); err != nil {
		return nil, err
	}
	if n.joinCore, err = x.newJoinCore(p, &p.Join, n.left, n.right); err != nil {
		return nil, err
	}
	if n.okeys, err = (&compiler{x: x, scope: childScope{nOuter: len(n.outer)}}).exprs(p.HashKeys); err != nil {
		return nil, err
	}
	if n.ikeys, err = (&compiler{x: x, scope: childScope{nOuter: len(n.joinCore.inner)}}).exprs(h.HashKeys); err != nil {
		return nil, err
	}
	for k, e := range p.HashKeys {
		lt, rt := node.ExprType(e), node.ExprType(h.HashKeys[k])
		enc, ok := x.encoderFor(lt)
		if !ok || !x.sameKey(lt, rt) {
			return nil, pgerr.NotYet("hash join of types %d and %d", lt, rt)
		}
		n.enc = append(n.enc, enc)
	}
	byInt := false
	if len(n.enc) == 1 {
		ref, err := x.byRef(node.ExprType(p.HashKeys[0]))
		if err != nil {
			return nil, err
		}
		t := node.ExprType(p.HashKeys[0])
		byInt = !ref && !isFloat(t)
	}
	n.tab = newHashTable(n.joinCore.inner, byInt)
	n.inner, n.outerCols = newBatch(n.joinCore.inner, 0), newBatch(n.outer, 0)
	n.vecs = make([]*types.Vec, len(n.okeys))
	return n, nil
}

// load reads the whole inner side.
func (n *hashJoin) load(x *Execution) error {
	t := n.tab
	vecs := make([]*types.Vec, len(n.ikeys))
	keepNull := n.kind == node.JoinRight || n.kind == node.JoinFull
	for {
		b, err := n.right.Next(x)
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		for k, e := range n.ikeys {
			if vecs[k], err = e.eval(x, b, b.Sel); err != nil {
				return err
			}
		}
		n.sel = n.sel[:0]
		for _, i := range b.Sel {
			null := false
			for _, v := range vecs {
				null = null || v.Nulls[i]
			}
			switch {
			case null && !keepNull:
				continue
			case t.byInt:
				k := vecs[0].Ints[i]
				t.ints = append(t.ints, k)
				t.hashes = append(t.hashes, mix(k))
			default:
				n.key = n.key[:0]
				for k, v := range vecs {
					if !v.Nulls[i] {
						n.key = n.enc[k](n.key, at(v, i))
					}
				}
				t.keys = append(t.keys, t.mem.copy(n.key))
				t.hashes = append(t.hashes, t.hash(n.key))
			}
			t.matched = append(t.matched, false)
			if null {
				// It matches nothing: give it a key of its own.
				t.nullKey(len(t.hashes) - 1)
			}
			n.sel = append(n.sel, i)
		}
		t.store.add(b, n.sel)
	}
	t.finish()
	n.emptyRest = t.store.n == 0
	return nil
}

// nullKey unlinks row from every key: a hash that no key has is not possible, so
// the row is marked by a nil key, which equals none.
func (t *hashTable) nullKey(row int) {
	if t.byInt {
		t.byIntNull(row)
		return
	}
	t.keys[row] = nil
}

func (t *hashTable) byIntNull(row int) {
	if t.keys == nil {
		t.keys = [][]byte{}
	}
	for len(t.keys) <= row {
		t.keys = append(t.keys, nil)
	}
	t.keys[row] = []byte{1} // marks NULL
}

func isFloat[T ~uint32](t T) bool { return t == 700 || t == 701 }

func (n *hashJoin) Next(x *Execution) (*Batch, error) {
	if n.tab.heads == nil {
		if err := n.load(x); err != nil {
			return nil, err
		}
	}
	for !n.done {
		if n.ob == nil {
			if n.emptyRest && n.kind != node.JoinLeft && n.kind != node.JoinAnti && n.kind != node.JoinFull {
				n.done = true
				break
			}
			more, err := n.nextOuter(x)
			if err != nil {
				return nil, err
			}
			if !more {
				n.done = true
				break
			}
		}
		out, err := n.probe(x)
		if err != nil {
			return nil, err
		}
		if out != nil && len(out.Sel) > 0 {
			return out, nil
		}
	}
	if n.kind == node.JoinRight || n.kind == node.JoinFull {
		return n.restOfInner(x)
	}
	return nil, nil
}

// nextOuter reads an outer batch and computes its keys.
func (n *hashJoin) nextOuter(x *Execution) (bool, error) {
	b, err := n.left.Next(x)
	if b == nil || err != nil {
		return false, err
	}
	for k, e := range n.okeys {
		if n.vecs[k], err = e.eval(x, b, b.Sel); err != nil {
			return false, err
		}
	}
	n.ob, n.oi, n.inChain = b, 0, false
	n.seen = n.seen[:0]
	for range b.N {
		n.seen = append(n.seen, false)
	}
	return true, nil
}

// probe collects candidate pairs of the outer batch, at most a batch of them, and
// emits those that satisfy the join. At the end of the outer batch it emits the
// rows that matched nothing, for outer and anti joins.
func (n *hashJoin) probe(x *Execution) (*Batch, error) {
	n.pairO, n.pairI = n.pairO[:0], n.pairI[:0]
	once := n.kind == node.JoinSemi && len(n.joinQual) == 0 || n.kind == node.JoinAnti && len(n.joinQual) == 0 || n.p.InnerUnique && len(n.joinQual) == 0
	for n.oi < len(n.ob.Sel) && len(n.pairO) < batchRows {
		i := n.ob.Sel[n.oi]
		if !n.inChain {
			n.chain, n.inChain = n.first(i), true
		}
		for n.chain != 0 && len(n.pairO) < batchRows {
			row := n.chain - 1
			n.chain = n.tab.next[row]
			if !n.equal(i, row) {
				continue
			}
			n.pairO, n.pairI = append(n.pairO, i), append(n.pairI, row)
			if once {
				n.chain = 0
			}
		}
		if n.chain == 0 {
			n.oi++
			n.inChain = false
		}
	}
	if len(n.pairO) > 0 {
		return n.join(x)
	}
	return n.endOuter(x)
}

// first returns the first candidate for outer row i, plus one.
func (n *hashJoin) first(i int32) int32 {
	for _, v := range n.vecs {
		if v.Nulls[i] {
			return 0
		}
	}
	t := n.tab
	var h uint64
	if t.byInt {
		h = mix(n.vecs[0].Ints[i])
	} else {
		n.key = n.key[:0]
		for k, v := range n.vecs {
			n.key = n.enc[k](n.key, at(v, i))
		}
		h = t.hash(n.key)
	}
	return t.heads[h&uint64(len(t.heads)-1)]
}

func (n *hashJoin) equal(i, row int32) bool {
	t := n.tab
	if t.byInt {
		return t.ints[row] == n.vecs[0].Ints[i] && (int(row) >= len(t.keys) || t.keys[row] == nil)
	}
	return t.keys[row] != nil && string(t.keys[row]) == string(n.key)
}

// join evaluates the collected pairs.
func (n *hashJoin) join(x *Execution) (*Batch, error) {
	k := len(n.pairO)
	n.outerCols.resize(n.outer, k)
	for c := range n.outer {
		gather(n.outerCols.Cols[c], 0, n.ob.Cols[c], n.pairO)
	}
	n.tab.store.fill(n.inner, n.pairI)
	copy(n.joined.Cols, n.outerCols.Cols)
	copy(n.joined.Cols[len(n.outer):], n.inner.Cols)
	n.joined.N, n.joined.Sel = k, all(k)
	sel, err := filter(x, n.joinQual, &n.joined, all(k), &n.buf2)
	if err != nil {
		return nil, err
	}
	if n.stat != nil {
		n.stat.JoinFiltered += int64(k - len(sel))
	}
	n.sel = n.sel[:0]
	for _, j := range sel {
		o := n.pairO[j]
		again := n.seen[o]
		n.seen[o] = true
		n.tab.matched[n.pairI[j]] = true
		if again && (n.kind == node.JoinSemi || n.p.InnerUnique) || n.kind == node.JoinAnti {
			continue
		}
		n.sel = append(n.sel, j)
	}
	if len(n.sel) == 0 {
		return nil, nil
	}
	return n.emit(x, &n.joined, n.sel)
}

// endOuter emits the unmatched rows of the outer batch and lets go of it.
func (n *hashJoin) endOuter(x *Execution) (*Batch, error) {
	b := n.ob
	n.ob = nil
	if n.kind != node.JoinLeft && n.kind != node.JoinAnti && n.kind != node.JoinFull {
		return nil, nil
	}
	n.sel = n.sel[:0]
	for _, i := range b.Sel {
		if !n.seen[i] {
			n.sel = append(n.sel, i)
		}
	}
	if len(n.sel) == 0 {
		return nil, nil
	}
	return n.nullInnerRows(x, b, n.sel)
}

// restOfInner emits the inner rows that no outer row matched.
func (n *hashJoin) restOfInner(x *Execution) (*Batch, error) {
	for n.tail < n.tab.store.n {
		n.pairI = n.pairI[:0]
		for n.tail < n.tab.store.n && len(n.pairI) < batchRows {
			if !n.tab.matched[n.tail] {
				n.pairI = append(n.pairI, int32(n.tail))
			}
			n.tail++
		}
		if len(n.pairI) == 0 {
			continue
		}
		n.tab.store.fill(n.inner, n.pairI)
		out, err := n.nullOuterRows(x, n.inner, n.inner.Sel)
		if err != nil || len(out.Sel) > 0 {
			return out, err
		}
	}
	return nil, nil
}

func (n *hashJoin) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.ob, n.done, n.tail, n.inChain = nil, false, 0, false
	if newParamSet(n.p.Right.Common().ExtParam...).meets(changed) {
		n.tab = newHashTable(n.joinCore.inner, n.tab.byInt)
		if err := n.right.Rescan(x, changed); err != nil {
			return err
		}
	}
	clear(n.tab.matched)
	return n.left.Rescan(x, changed)
}

func (n *hashJoin) Close(*Execution) {}
