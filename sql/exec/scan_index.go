package exec

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
)

// indexKeys evaluates the conditions of an index scan.
type indexKeys struct {
	rel   *access.Relation
	specs []plan.IndexKey
	exprs []expr
	cmps  []func(a, b datum.Datum) int
	elems []array.Elem
	keys  []nbtree.Key
	one   Batch
}

func (x *Execution) newIndexKeys(index oid.OID, specs []plan.IndexKey) (*indexKeys, error) {
	rel, err := x.Cat.Relation(index)
	if err != nil {
		return nil, err
	}
	if rel == nil || rel.Index == nil {
		return nil, pgerr.New(pgerr.UndefinedTable, "could not open relation with OID %d", index)
	}
	k := &indexKeys{rel: rel, specs: specs, one: Batch{N: 1, Sel: all(1)}}
	k.exprs, k.cmps, k.elems = make([]expr, len(specs)), make([]func(a, b datum.Datum) int, len(specs)), make([]array.Elem, len(specs))
	k.keys = make([]nbtree.Key, len(specs))
	c := &compiler{x: x, scope: childScope{}}
	for i, s := range specs {
		if s.IsNull || s.IsNotNull {
			continue
		}
		if k.exprs[i], err = c.expr(s.Value); err != nil {
			return nil, err
		}
		right := node.ExprType(s.Value)
		if s.Array {
			if k.elems[i], right, err = c.arrayInfo(right); err != nil {
				return nil, err
			}
		}
		if s.RightType != 0 {
			right = s.RightType
		}
		if s.Col-1 < len(rel.Index.OpcInType) && rel.Index.OpcInType[s.Col-1] != right {
			// A cross-type operator: the family's comparison for (column, value).
			if k.cmps[i], err = x.Cat.CrossOrder(rel.Index.OpFamily[s.Col-1], rel.Index.OpcInType[s.Col-1], right, s.Collation); err != nil {
				return nil, err
			}
		}
	}
	return k, nil
}

// eval computes the scan keys. empty says that a NULL condition can match nothing.
func (k *indexKeys) eval(x *Execution) (keys []nbtree.Key, empty bool, err error) {
	for i, s := range k.specs {
		key := nbtree.Key{Col: s.Col - 1, Strategy: uint8(s.Strategy), IsNull: s.IsNull, NotNull: s.IsNotNull, Cmp: k.cmps[i]}
		if k.exprs[i] != nil {
			v, err := k.exprs[i].eval(x, &k.one, all(1))
			if err != nil {
				return nil, false, err
			}
			d := at(v, 0)
			if d.Null {
				return nil, true, nil
			}
			if s.Array {
				key.IsArray = true
				a, err := array.Parse(d.Bytes, k.elems[i])
				if err != nil {
					return nil, false, err
				}
				key.Array = key.Array[:0]
				for _, e := range a.Elems {
					if !e.Null {
						key.Array = append(key.Array, e.Clone())
					}
				}
				if len(key.Array) == 0 {
					return nil, true, nil
				}
			} else {
				if key.Arg = d; d.Bytes != nil {
					key.Arg = d.Clone()
				}
			}
		}
		k.keys[i] = key
	}
	return k.keys, false, nil
}

// indexScan fetches the rows that an index points at, in index order.
type indexScan struct {
	top
	p     *plan.IndexScan
	scope *tableScope
	keys  *indexKeys
	scan  *nbtree.Scan
	fetch *heap.Fetcher
	in    *Batch
	state int // 0 not begun, 1 running, 2 done
	epq   epqRow
	quals []expr // index conditions, for EvalPlanQual
	store int
	mem   arena
}

func (x *Execution) newIndexScan(p *plan.IndexScan) (Node, error) {
	rel, err := x.relation(p.ScanRelid)
	if err != nil {
		return nil, err
	}
	n := &indexScan{p: p, scope: newTableScope(p.ScanRelid, rel)}
	if n.top, err = x.newTop(p, n.scope); err != nil {
		return nil, err
	}
	if x.epq != nil {
		if n.quals, err = (&compiler{x: x, scope: n.scope}).exprs(p.IndexQual); err != nil {
			return nil, err
		}
	}
	if n.keys, err = x.newIndexKeys(p.IndexID, p.IndexKeys); err != nil {
		return nil, err
	}
	n.in = n.scope.begin()
	return n, nil
}

// begin starts or restarts the index scan with the current key values.
func (n *indexScan) begin(x *Execution) error {
	n.state = 2
	x.Tx.Stats().Scan(n.keys.rel.OID, n.keys.rel.Shared)
	keys, empty, err := n.keys.eval(x)
	if empty || err != nil {
		return err
	}
	n.state = 1
	if n.scan != nil {
		rebind(x, n.fetch)
		n.scan.Track(n.keys.rel.Reads(x.Snap))
		n.scan.Rescan(keys)
		return nil
	}
	n.fetch = heap.NewFetcher(x.Tx, n.scope.rel)
	n.scan, err = nbtree.BeginScan(n.keys.rel, keys, nbtree.ScanOptions{Reads: n.keys.rel.Reads(x.Snap)})
	return err
}

// fetchRows is how many rows an index scan returns at once at first; it doubles,
// so that a lookup stays cheap and a long scan gets large batches.
const fetchRows = 16

func (n *indexScan) Next(x *Execution) (*Batch, error) {
	if x.epq.covers(n.p.ScanRelid) {
		return n.epqNext(x)
	}
	if n.state == 0 {
		if err := n.begin(x); err != nil {
			return nil, err
		}
	}
	if n.state == 2 {
		return nil, nil
	}
	want := max(n.store, fetchRows)
	n.store = min(2*want, batchRows)
	if n.p.Unique {
		want = 1
	}
	n.mem.reset()
	n.in.resize(n.scope.shape, want)
	count, entries := 0, 0
	for count < want {
		tid, ok, err := n.scan.Next(!n.p.Backward)
		if err != nil {
			return nil, err
		}
		if !ok {
			n.state = 2
			break
		}
		entries++
		t, found, dead, err := n.fetch.FetchHOT(tid, heap.MVCC(x.Snap))
		if err != nil {
			return nil, err
		}
		if dead {
			n.scan.Kill()
		}
		if !found {
			continue
		}
		if want > 1 { // the fetcher reuses its buffer
			t.Data = n.mem.copy(t.Data)
		}
		if err := n.scope.load(x, n.in, int32(count), t); err != nil {
			return nil, err
		}
		count++
	}
	x.countEntries(n.keys.rel, entries, count)
	if n.p.Unique && count == 1 {
		n.state = 2
	}
	if count == 0 {
		return nil, x.check()
	}
	n.in.N, n.in.Sel = count, all(count)
	return n.emit(x, n.in, n.in.Sel)
}

// countEntries counts what a scan read of an index, and the rows it led to.
func (x *Execution) countEntries(index *access.Relation, entries, rows int) {
	s := x.Tx.Stats()
	s.Returned(index.OID, index.Shared, entries)
	s.Fetched(index.OID, index.Shared, rows)
}

// epqNext yields the fixed row if it meets the index conditions.
func (n *indexScan) epqNext(x *Execution) (*Batch, error) {
	b, err := n.epq.next(x, n.p.ScanRelid, n.scope, n.in, &top{proj: n.proj, quals: append(n.quals[:len(n.quals):len(n.quals)], n.top.quals...)})
	return b, err
}

func (n *indexScan) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.state, n.epq.done, n.store = 0, false, 0
	return nil
}

// Close keeps the scan and the fetcher for Reset.
func (n *indexScan) Close(*Execution) {
	if n.scan != nil {
		n.scan.Close()
	}
	if n.fetch != nil {
		n.fetch.Close()
	}
}

// indexOnlyScan takes rows from the index where the visibility map says that all
// rows of the page are visible, and checks the table for the others.
type indexOnlyScan struct {
	top
	p       *plan.IndexOnlyScan
	rel     *access.Relation
	keys    *indexKeys
	scan    *nbtree.Scan
	fetch   *heap.Fetcher
	vis     heap.VisibilityCursor
	fetched int // rows of the batch that the table was asked for
	vals    []datum.Datum
	store   *rowStore
	in      *Batch
	state   int
}

// indexScope finds Vars over index columns.
type indexScope struct{ cols int }

func (s indexScope) column(v *node.Var) (int, error) {
	if v.Varno != node.IndexVar || v.Varattno < 1 || v.Varattno > s.cols {
		return 0, pgerr.New(pgerr.InternalError, "variable %d.%d in an index-only scan", v.Varno, v.Varattno)
	}
	return v.Varattno - 1, nil
}

func (x *Execution) newIndexOnlyScan(p *plan.IndexOnlyScan) (Node, error) {
	if x.epq != nil {
		return nil, pgerr.New(pgerr.InternalError, "index-only scan under row locking")
	}
	rel, err := x.relation(p.ScanRelid)
	if err != nil {
		return nil, err
	}
	n := &indexOnlyScan{p: p, rel: rel}
	if n.keys, err = x.newIndexKeys(p.IndexID, p.IndexKeys); err != nil {
		return nil, err
	}
	desc := n.keys.rel.Desc
	if n.top, err = x.newTop(p, indexScope{len(desc.Attrs)}); err != nil {
		return nil, err
	}
	var shape columns
	for i := range desc.Attrs {
		shape = append(shape, !desc.Attrs[i].ByVal)
	}
	n.vals = make([]datum.Datum, len(desc.Attrs))
	n.store, n.in = newRowStore(shape), newBatch(shape, 0)
	return n, nil
}

func (n *indexOnlyScan) begin(x *Execution) error {
	n.state = 2
	x.Tx.Stats().Scan(n.keys.rel.OID, n.keys.rel.Shared)
	keys, empty, err := n.keys.eval(x)
	if empty || err != nil {
		return err
	}
	n.state = 1
	if n.scan != nil {
		n.scan.Rescan(keys)
		return nil
	}
	n.fetch = heap.NewFetcher(x.Tx, n.rel)
	n.scan, err = nbtree.BeginScan(n.keys.rel, keys, nbtree.ScanOptions{WantTuple: true, KeepPin: true, Reads: n.keys.rel.Reads(x.Snap)})
	return err
}

func (n *indexOnlyScan) Next(x *Execution) (*Batch, error) {
	if n.state == 0 {
		if err := n.begin(x); err != nil {
			return nil, err
		}
	}
	n.store.reset()
	entries := 0
	n.fetched = 0
	for n.state == 1 && n.store.n < batchRows {
		tid, ok, err := n.scan.Next(!n.p.Backward)
		if err != nil {
			return nil, err
		}
		if !ok {
			n.state = 2
			break
		}
		entries++
		seen, err := n.visible(x, tid)
		if err != nil {
			return nil, err
		}
		if !seen {
			continue
		}
		if err := n.scan.Values(n.vals); err != nil {
			return nil, err
		}
		n.store.addRow(n.vals)
		if n.p.Unique {
			n.state = 2
		}
	}
	x.countEntries(n.keys.rel, entries, n.fetched)
	if n.store.n == 0 {
		return nil, x.check()
	}
	n.store.window(n.in, 0, n.store.n)
	return n.emit(x, n.in, n.in.Sel)
}

// visible decides whether the row at tid is seen.
func (n *indexOnlyScan) visible(x *Execution, tid page.TID) (bool, error) {
	ok, err := n.vis.AllVisible(n.rel, tid.Block)
	if reads := n.rel.Reads(x.Snap); ok && err == nil && reads != nil {
		// Once more: who deletes the row now finds the lock.
		n.rel.ReadPage(reads, tid.Block)
		ok, err = n.vis.AllVisible(n.rel, tid.Block)
	}
	if ok || err != nil {
		return ok, err
	}
	if n.stat != nil {
		n.stat.HeapFetches++
	}
	_, found, dead, err := n.fetch.FetchHOT(tid, heap.MVCC(x.Snap))
	if dead {
		n.scan.Kill()
	}
	if found {
		n.fetched++
	}
	return found, err
}

func (n *indexOnlyScan) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.state = 0
	return nil
}

func (n *indexOnlyScan) Close(*Execution) {
	if n.scan != nil {
		n.scan.Close()
		n.scan = nil
	}
	if n.fetch != nil {
		n.fetch.Close()
		n.fetch = nil
	}
	n.vis.Release(n.rel)
}
