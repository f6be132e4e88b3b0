package exec

import (
	"slices"

	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/xact"
)

// conflict is INSERT … ON CONFLICT. A row is inserted speculatively: if one of
// the arbiter indexes then finds a live row with the same key, the new version is
// taken back and the existing row is the conflict.
type conflict struct {
	p     *plan.OnConflict
	mod   *modify
	multi []*multiSub
	set   []expr
	cols  []int // that set gives values
	where []expr
	buf   []int32
}

func (x *Execution) newConflict(p *plan.ModifyTable, n *modify, c *compiler) (*conflict, error) {
	k := &conflict{p: p.OnConflict, mod: n}
	var err error
	if k.multi, err = c.multis(k.p.Set); err != nil {
		return nil, err
	}
	for i, te := range k.p.Set {
		if k.p.SetColnos[i] == 0 {
			continue
		}
		k.cols = append(k.cols, k.p.SetColnos[i])
		e, err := c.expr(te.Expr)
		if err != nil {
			return nil, err
		}
		k.set = append(k.set, e)
	}
	k.where, err = c.exprs(k.p.Where)
	return k, err
}

// arbiter reports whether index iw decides about conflicts.
func (k *conflict) arbiter(iw *indexWriter) bool {
	if !iw.st.Rel.Index.Unique {
		return false
	}
	return len(k.p.ArbiterIndexes) == 0 || slices.Contains(k.p.ArbiterIndexes, iw.st.Rel.OID)
}

// insert handles the prepared row n.vals, which came from row i of b.
func (k *conflict) insert(x *Execution, b *Batch, i int32) error {
	n := k.mod
	for {
		if err := x.check(); err != nil {
			return err
		}
		tid, found, err := k.find(x)
		if err != nil {
			return err
		}
		if found {
			again, err := k.resolve(x, b, i, tid)
			if err != nil || !again {
				return err
			}
			continue
		}
		const token = 1
		tid, err = heap.Insert(x.Ctx, x.Tx, n.rel, n.vals, heap.InsertOptions{Command: x.Cid, SpecTok: token})
		if err != nil {
			return err
		}
		lost, err := k.index(x, tid)
		if err != nil {
			return err
		}
		if lost {
			if err := heap.AbortSpeculative(x.Tx, n.rel, tid); err != nil {
				return err
			}
			continue
		}
		if err := heap.Confirm(x.Tx, n.rel, tid); err != nil {
			return err
		}
		if n.stat != nil {
			n.stat.Inserted++
		}
		if err := n.noteInsert(x, n.vals, tid); err != nil {
			return err
		}
		return n.done(x, b, i, n.vals, tid)
	}
}

// index makes the index entries of the speculative row; lost says that an arbiter
// has a live row with the same key.
func (k *conflict) index(x *Execution, tid page.TID) (lost bool, err error) {
	w := k.mod.writer
	w.load(k.mod.vals)
	for _, arbiters := range []bool{true, false} {
		for _, iw := range w.indexes {
			if k.arbiter(iw) != arbiters {
				continue
			}
			_, err := iw.insert(x, w, tid, iw.check, false)
			if e, ok := pgerr.As(err); arbiters && ok && e.Code == pgerr.UniqueViolation {
				return true, nil
			}
			if err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// find looks for a live row that conflicts with n.vals, waiting for transactions
// on whose end that depends.
func (k *conflict) find(x *Execution) (page.TID, bool, error) {
	w := k.mod.writer
	w.load(k.mod.vals)
	for _, iw := range w.indexes {
		if !k.arbiter(iw) {
			continue
		}
		if !iw.st.Rel.Index.Immediate {
			e := pgerr.New(pgerr.ObjectNotInPrerequisiteState, "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters")
			e.Schema, e.Table, e.Constraint = x.schema(k.mod.rel), k.mod.rel.Name, iw.st.Rel.Name
			return page.TID{}, false, e
		}
		in, err := iw.key(x, w)
		if err != nil {
			return page.TID{}, false, err
		}
		if !in {
			continue
		}
		tid, ok, err := k.probe(x, iw)
		if ok || err != nil {
			return tid, ok, err
		}
	}
	return page.TID{}, false, nil
}

// probe searches one index for the key in iw.vals.
func (k *conflict) probe(x *Execution, iw *indexWriter) (page.TID, bool, error) {
	info := iw.st.Rel.Index
	keys := make([]nbtree.Key, info.KeyCols)
	for c := range keys {
		keys[c] = nbtree.Key{Col: c, Strategy: nbtree.Equal, Arg: iw.vals[c].Clone()}
		if iw.vals[c].Null {
			if !info.NullsNotDistinct {
				return page.TID{}, false, nil
			}
			keys[c] = nbtree.Key{Col: c, IsNull: true}
		}
	}
	for {
		scan, err := nbtree.BeginScan(iw.st.Rel, keys, nbtree.ScanOptions{KeepPin: true})
		if err != nil {
			return page.TID{}, false, err
		}
		tid, wait, err := k.live(iw, scan)
		scan.Close()
		if err != nil || tid.Valid() {
			return tid, tid.Valid(), err
		}
		if wait.Wait == 0 {
			return page.TID{}, false, nil
		}
		if err := x.Tx.Manager().WaitFor(x.Ctx, x.Tx, wait.Wait); err != nil {
			return page.TID{}, false, err
		}
	}
}

// live returns the first live row of a scan, or a transaction to wait for.
func (k *conflict) live(iw *indexWriter, scan *nbtree.Scan) (page.TID, nbtree.Probe, error) {
	for {
		tid, ok, err := scan.Next(true)
		if err != nil || !ok {
			return page.TID{}, nbtree.Probe{}, err
		}
		p, err := iw.heap.Probe(tid)
		if err != nil {
			return page.TID{}, p, err
		}
		if p.Wait != 0 {
			return page.TID{}, p, nil
		}
		if p.Found {
			return tid, p, nil
		}
	}
}

// resolve does what the statement wants for a conflict with the row at tid. again
// says that the row went away meanwhile.
func (k *conflict) resolve(x *Execution, b *Batch, i int32, tid page.TID) (again bool, err error) {
	n := k.mod
	if n.stat != nil {
		n.stat.Conflicts++
	}
	f := heap.NewFetcher(x.Tx, n.rel)
	defer f.Close()
	t, found, _, err := f.FetchHOT(tid, heap.Self())
	if err != nil || !found {
		return true, err
	}
	tid = t.TID
	if k.p.Action == node.OnConflictNothing {
		return false, k.visible(x, tid)
	}
	res, t, _, err := heap.LockTuple(x.Ctx, x.Tx, n.rel, tid, heap.LockOptions{Command: x.Cid, Mode: heap.Exclusive})
	if err != nil {
		return false, err
	}
	switch res {
	case heap.OK:
	case heap.Invisible, heap.SelfModified:
		return false, pgerr.New(pgerr.CardinalityViolation, "ON CONFLICT DO UPDATE command cannot affect row a second time").
			WithHint("Ensure that no rows proposed for insertion within the same command have duplicate constrained values.")
	default:
		if x.Tx.Isolation() != xact.ReadCommitted {
			return false, serialization(res)
		}
		return true, nil
	}
	if err := k.visible(x, tid); err != nil {
		return false, err
	}
	return false, k.update(x, b, i, tid)
}

// visible fails if the conflicting row is invisible to a repeatable read snapshot.
func (k *conflict) visible(x *Execution, tid page.TID) error {
	if x.Tx.Isolation() == xact.ReadCommitted {
		return nil
	}
	f := heap.NewFetcher(x.Tx, k.mod.rel)
	defer f.Close()
	t, ok, err := f.Fetch(tid, heap.MVCC(x.Snap))
	if err != nil || ok || t.TID.Valid() && len(t.Data) > 0 && x.Tx.IsCurrent(t.Data.Xmin()) {
		return err
	}
	return serialization(heap.Updated)
}

// update runs DO UPDATE on the locked row at tid.
func (k *conflict) update(x *Execution, b *Batch, i int32, tid page.TID) error {
	n := k.mod
	old, err := n.old(x, tid)
	if err != nil {
		return err
	}
	excluded := make([]datum.Datum, len(n.vals))
	for c := range n.vals {
		excluded[c] = n.vals[c].Clone()
	}
	n.load(b, i, old, tid)
	for c := range excluded {
		put(n.row.Cols[n.scope.natts+modifySys+c], 0, excluded[c])
	}
	sel, err := filter(x, k.where, n.row, n.row.Sel, &k.buf)
	if err != nil || len(sel) == 0 {
		return err
	}
	vals := slices.Clone(old)
	keep := make([]bool, len(vals))
	for c := range keep {
		keep[c] = true
	}
	for _, m := range k.multi {
		if err := m.eval(x, n.row, n.row.Sel); err != nil {
			return err
		}
	}
	for j, e := range k.set {
		v, err := e.eval(x, n.row, n.row.Sel)
		if err != nil {
			return err
		}
		col := k.cols[j] - 1
		vals[col], keep[col] = at(v, 0).Clone(), false
	}
	if err := n.writer.PrepareUpdate(x, vals, keep); err != nil {
		return err
	}
	res, up, _, err := heap.Update(x.Ctx, x.Tx, n.rel, tid, vals, heap.ChangeOptions{Command: x.Cid, Keep: keep})
	if err != nil {
		return err
	}
	if res != heap.OK {
		return pgerr.New(pgerr.InternalError, "unexpected result %d of an update of a locked row", res)
	}
	if !up.HOT {
		if err := n.writer.Index(x, vals, up.TID, true); err != nil {
			return err
		}
	}
	if err := n.noteUpdate(x, old, vals, tid, up.TID); err != nil {
		return err
	}
	return n.done(x, b, i, vals, up.TID)
}
