package exec

import (
	"strings"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/indexheap"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
)

// modify is ModifyTable. It handles its input a batch at a time and returns the
// RETURNING rows, or nothing until its input ends.
type modify struct {
	p      *plan.ModifyTable
	child  Node
	rel    *access.Relation
	writer *TableWriter
	ret    *projection
	scope  *modifyScope
	row    *Batch // one row for RETURNING and ON CONFLICT expressions
	out    *rowStore
	outB   *Batch
	fetch  *heap.Fetcher
	vals   []datum.Datum
	keep   []bool
	confl  *conflict
	whens  []*mergeWhen
	begun  bool
	toast  lazyToast
	raw    [][]byte // for keepStored
	stat   *Instrument
	trig   TableTriggers
	checks []viewCheck
	// oldXmin is the inserter of the version that old read last.
	oldXmin xid.XID
}

// modifyScope lays out the row that RETURNING and ON CONFLICT see: the target's
// columns, its ctid and tableoid, the excluded row, and the subplan's row.
type modifyScope struct {
	rti, excl int
	natts     int
	nOuter    int
	shape     columns
}

const modifySys = 2 // ctid, tableoid

func (s *modifyScope) column(v *node.Var) (int, error) {
	switch {
	case v.Varno == s.rti && v.Varattno > 0 && v.Varattno <= s.natts:
		return v.Varattno - 1, nil
	case v.Varno == s.rti && v.Varattno == attrCtid:
		return s.natts, nil
	case v.Varno == s.rti && v.Varattno == attrTableOID:
		return s.natts + 1, nil
	case s.excl != 0 && v.Varno == s.excl && v.Varattno > 0 && v.Varattno <= s.natts:
		return s.natts + modifySys + v.Varattno - 1, nil
	case v.Varno == node.OuterVar && v.Varattno > 0 && v.Varattno <= s.nOuter:
		return 2*s.natts + modifySys + v.Varattno - 1, nil
	}
	return 0, pgerr.NotYet("variable %d.%d in RETURNING", v.Varno, v.Varattno)
}

func (x *Execution) newModify(p *plan.ModifyTable) (Node, error) {
	n := &modify{p: p, stat: x.note(p)}
	var err error
	if n.rel, err = x.relation(p.ResultRti); err != nil {
		return nil, err
	}
	if p.Operation == node.CmdInsert && x.stored == storedNone {
		x.stored = storedLong
	}
	if n.child, err = x.build(p.Left); err != nil {
		return nil, err
	}
	natts := len(n.rel.Desc.Attrs)
	n.scope = &modifyScope{rti: p.ResultRti, natts: natts, nOuter: len(n.child.Shape())}
	if p.OnConflict != nil {
		n.scope.excl = p.OnConflict.ExclRti
	}
	var own columns
	for i := range n.rel.Desc.Attrs {
		own = append(own, !n.rel.Desc.Attrs[i].ByVal)
	}
	n.scope.shape = append(append(append(append(columns{}, own...), true, false), own...), n.child.Shape()...)
	n.row = newBatch(n.scope.shape, 1)
	n.row.N, n.row.Sel = 1, all(1)
	n.row.resize(n.scope.shape, 1)
	c := &compiler{x: x, scope: n.scope}
	if n.ret, err = c.project(p.ReturningList); err != nil {
		return nil, err
	}
	n.out, n.outB = newRowStore(n.ret.shape), newBatch(n.ret.shape, 0)
	if err := x.Cat.Writable(n.rel); err != nil {
		return nil, err
	}
	if n.trig, err = x.TriggersOf(n.rel); err != nil {
		return nil, err
	}
	if err := n.newChecks(c); err != nil {
		return nil, err
	}
	if p.Operation != node.CmdDelete {
		if n.writer, err = x.NewTableWriter(n.rel); err != nil {
			return nil, err
		}
	}
	if p.OnConflict != nil {
		if n.confl, err = x.newConflict(p, n, c); err != nil {
			return nil, err
		}
	}
	if err := n.compileMerge(c); err != nil {
		return nil, err
	}
	n.vals, n.keep = make([]datum.Datum, natts), make([]bool, natts)
	n.fetch = heap.NewFetcher(x.Tx, n.rel)
	return n, nil
}

func (n *modify) Shape() columns { return n.ret.shape }

func (n *modify) Next(x *Execution) (*Batch, error) {
	for {
		b, err := n.child.Next(x)
		if b == nil || err != nil {
			return nil, err
		}
		if err := x.check(); err != nil {
			return nil, err
		}
		n.out.reset()
		for _, i := range b.Sel {
			if err := n.one(x, b, i); err != nil {
				return nil, err
			}
		}
		if n.out.n > 0 {
			n.outB.Sel = nil
			n.out.window(n.outB, 0, n.out.n)
			return n.outB, nil
		}
	}
}

// one handles row i of the input.
func (n *modify) one(x *Execution, b *Batch, i int32) error {
	switch n.p.Operation {
	case node.CmdInsert:
		for k := range n.vals {
			n.vals[k] = at(b.Cols[k], i)
		}
		return n.insert(x, b, i)
	case node.CmdUpdate:
		return n.update(x, b, i, tidOf(b.Cols[n.p.RowIDAttr-1], i))
	case node.CmdDelete:
		return n.delete(x, b, i, tidOf(b.Cols[n.p.RowIDAttr-1], i))
	case node.CmdMerge:
		return n.merge(x, b, i)
	}
	return pgerr.NotYet("statement kind %d", n.p.Operation)
}

func (n *modify) insert(x *Execution, b *Batch, i int32) error {
	if err := n.writer.Prepare(x, n.vals); err != nil {
		return err
	}
	if n.confl != nil {
		return n.confl.insert(x, b, i)
	}
	tid, err := heap.Insert(x.Ctx, x.Tx, n.rel, n.vals, heap.InsertOptions{Command: x.Cid, Raw: n.keepStored(b, i)})
	if err != nil {
		return err
	}
	if err := n.writer.Index(x, n.vals, tid, false); err != nil {
		return err
	}
	if err := n.noteInsert(x, n.vals, tid); err != nil {
		return err
	}
	return n.done(x, b, i, n.vals, tid)
}

// done counts a changed row and computes its RETURNING row.
func (n *modify) done(x *Execution, b *Batch, i int32, vals []datum.Datum, tid page.TID) error {
	if n.p.CanSetTag {
		x.Processed++
	}
	n.tell(x, vals)
	if n.p.Operation != node.CmdDelete {
		if err := n.checkViews(x, b, i, vals, tid); err != nil {
			return err
		}
	}
	if len(n.p.ReturningList) == 0 {
		return nil
	}
	n.load(b, i, vals, tid)
	out, err := n.ret.apply(x, n.row, n.row.Sel)
	if err != nil {
		return err
	}
	n.out.add(out, out.Sel)
	return nil
}

// isCatalog reports whether lookups by caches read a table.
func isCatalog(rel *access.Relation) bool {
	return rel.Namespace == oid.CatalogNamespace && rel.OID < oid.FirstNormal
}

// tell invalidates what caches hold of a changed row of a system catalog.
func (n *modify) tell(x *Execution, vals []datum.Datum) {
	if isCatalog(n.rel) && vals != nil {
		x.Cat.CatalogRow(n.rel.OID, vals)
	}
}

// load sets the row that RETURNING and ON CONFLICT expressions see.
func (n *modify) load(b *Batch, i int32, vals []datum.Datum, tid page.TID) {
	natts := n.scope.natts
	for k := range vals {
		put(n.row.Cols[k], 0, vals[k])
	}
	ctid := make([]byte, page.TIDSize)
	page.PutTID(ctid, tid)
	put(n.row.Cols[natts], 0, datum.Bytes(ctid))
	put(n.row.Cols[natts+1], 0, datum.Int(int64(n.rel.OID)))
	if b == nil {
		return
	}
	for k := range n.scope.nOuter {
		put(n.row.Cols[2*natts+modifySys+k], 0, at(b.Cols[k], i))
	}
}

// old reads all columns of the version at tid.
func (n *modify) old(x *Execution, tid page.TID) ([]datum.Datum, error) {
	t, ok, err := n.fetch.Fetch(tid, heap.Any())
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, pgerr.New(pgerr.InternalError, "failed to fetch tuple being updated")
	}
	n.oldXmin = t.Data.Xmin()
	vals := make([]datum.Datum, len(n.rel.Desc.Attrs))
	data := append(access.Tuple(nil), t.Data...)
	n.toast.x, n.toast.rel = x, n.rel
	return vals, access.Deform(n.rel.Desc, data, len(vals), vals, &n.toast)
}

func (n *modify) update(x *Execution, b *Batch, i int32, tid page.TID) error {
	for {
		old, err := n.old(x, tid)
		if err != nil {
			return err
		}
		copy(n.vals, old)
		for k := range n.keep {
			n.keep[k] = true
		}
		for k, col := range n.p.UpdateColnos {
			n.vals[col-1], n.keep[col-1] = at(b.Cols[k], i), false
		}
		res, fail, err := n.change(x, b, i, old, tid)
		if err != nil || res == heap.OK {
			return err
		}
		var again bool
		if b, i, tid, again, err = n.conflicting(x, res, fail, tid, heap.NoKeyExclusive); err != nil || !again {
			return err
		}
	}
}

// change updates the row at tid, old, to n.vals.
func (n *modify) change(x *Execution, b *Batch, i int32, old []datum.Datum, tid page.TID) (heap.Result, heap.FailureData, error) {
	if err := n.writer.PrepareUpdate(x, n.vals, n.keep); err != nil {
		return 0, heap.FailureData{}, err
	}
	res, up, fail, err := heap.Update(x.Ctx, x.Tx, n.rel, tid, n.vals, heap.ChangeOptions{Command: x.Cid, Keep: n.keep, Crosscheck: x.Crosscheck})
	if err != nil || res != heap.OK {
		return res, fail, err
	}
	n.tell(x, old)
	if !up.HOT {
		if err := n.writer.Index(x, n.vals, up.TID, true); err != nil {
			return res, fail, err
		}
	}
	if err := n.noteUpdate(x, old, n.vals, tid, up.TID); err != nil {
		return res, fail, err
	}
	return res, fail, n.done(x, b, i, n.vals, up.TID)
}

// remove deletes the row at tid.
func (n *modify) remove(x *Execution, b *Batch, i int32, tid page.TID) (heap.Result, heap.FailureData, error) {
	res, fail, err := heap.Delete(x.Ctx, x.Tx, n.rel, tid, heap.ChangeOptions{Command: x.Cid, Crosscheck: x.Crosscheck})
	if err != nil || res != heap.OK {
		return res, fail, err
	}
	if err := n.noteDelete(x, tid); err != nil {
		return res, fail, err
	}
	var vals []datum.Datum
	if len(n.p.ReturningList) > 0 || isCatalog(n.rel) {
		if vals, err = n.old(x, tid); err != nil {
			return res, fail, err
		}
	}
	return res, fail, n.done(x, b, i, vals, tid)
}

func (n *modify) delete(x *Execution, b *Batch, i int32, tid page.TID) error {
	for {
		res, fail, err := n.remove(x, b, i, tid)
		if err != nil || res == heap.OK {
			return err
		}
		var again bool
		if b, i, tid, again, err = n.conflicting(x, res, fail, tid, heap.Exclusive); err != nil || !again {
			return err
		}
	}
}

// conflicting decides what to do about a row that another transaction changed:
// in read committed the newest version is locked and, if it still qualifies,
// again is true with the plan's row for it.
func (n *modify) conflicting(x *Execution, res heap.Result, fail heap.FailureData, tid page.TID, mode heap.LockMode) (b *Batch, i int32, newTID page.TID, again bool, err error) {
	switch res {
	case heap.SelfModified:
		return nil, 0, tid, false, nil // changed before by this command
	case heap.Updated, heap.Deleted:
	default:
		return nil, 0, tid, false, pgerr.New(pgerr.InternalError, "unexpected result %d of a change", res)
	}
	if x.Tx.Isolation() != xact.ReadCommitted {
		return nil, 0, tid, false, serialization(res)
	}
	if res == heap.Deleted {
		return nil, 0, tid, false, nil
	}
	res, t, fail, err := heap.LockLatest(x.Ctx, x.Tx, n.rel, fail.CTID, heap.LockOptions{Command: x.Cid, Mode: mode})
	if err != nil || res == heap.Deleted || res == heap.SelfModified {
		return nil, 0, tid, false, err
	}
	if res != heap.OK {
		return nil, 0, tid, false, pgerr.New(pgerr.InternalError, "unexpected result %d of a row lock", res)
	}
	b, err = x.recheck(n.p.Left, map[int]*heap.Tuple{n.p.ResultRti: &t})
	if err != nil || b == nil {
		return nil, 0, tid, false, err
	}
	return b, b.Sel[0], t.TID, true, nil
}

// serialization is the error of a snapshot that is too old for a change.
func serialization(res heap.Result) error {
	what := "update"
	if res == heap.Deleted {
		what = "delete"
	}
	return pgerr.New(pgerr.TRSerializationFailure, "could not serialize access due to concurrent %s", what)
}

// recheck runs p once more for fixed rows (PostgreSQL: EvalPlanQual) and returns
// a batch of one row, or nil if the rows no longer qualify.
func (x *Execution) recheck(p plan.Plan, rows map[int]*heap.Tuple) (out *Batch, err error) {
	err = x.recheckAll(p, rows, func(shape columns, b *Batch, i int32) bool {
		keep := newRowStore(shape)
		keep.add(b, []int32{i})
		out = newBatch(shape, 0)
		keep.window(out, 0, 1)
		return false
	})
	return out, err
}

// recheckAll runs p once more for fixed rows and gives each row of its result to
// see, until that returns false.
func (x *Execution) recheckAll(p plan.Plan, rows map[int]*heap.Tuple, see func(shape columns, b *Batch, i int32) bool) error {
	sub := &Execution{Ctx: x.Ctx, Stmt: x.Stmt, Cat: x.Cat, Env: x.Env, Tx: x.Tx, Snap: x.Snap, Cid: x.Cid, Params: x.Params,
		WorkMem: x.WorkMem, Temp: x.Temp, CurrentOf: x.CurrentOf, stored: x.stored, epq: &epqState{rows: rows}}
	defer sub.Close()
	sub.slots = make([]slot, x.Stmt.NParamExec)
	for i := range sub.slots {
		sub.slots[i] = x.slots[i]
	}
	sub.subs = make([]Node, len(x.Stmt.Subplans))
	n, err := sub.build(p)
	if err != nil {
		return err
	}
	for {
		b, err := n.Next(sub)
		if b == nil || err != nil {
			return err
		}
		for _, i := range b.Sel {
			if !see(n.Shape(), b, i) {
				return nil
			}
		}
	}
}

// Rescan is for Reset only.
func (n *modify) Rescan(x *Execution, changed paramSet) error {
	if x.resetting {
		rebind(x, n.fetch)
		if n.writer != nil {
			for _, iw := range n.writer.indexes {
				iw.heap = indexheap.New(x.Tx, n.rel)
			}
		}
		return n.child.Rescan(x, changed)
	}
	return pgerr.New(pgerr.InternalError, "a ModifyTable node cannot be rescanned")
}

func (n *modify) Close(*Execution) { n.fetch.Close() }

// failingRow is the detail of a constraint's error: the row's values.
func (x *Execution) failingRow(rel *access.Relation, vals []datum.Datum) string {
	var b strings.Builder
	b.WriteString("Failing row contains (")
	first := true
	for i := range rel.Desc.Attrs {
		a := &rel.Desc.Attrs[i]
		if a.Dropped {
			continue
		}
		if !first {
			b.WriteString(", ")
		}
		first = false
		if vals[i].Null {
			b.WriteString("null")
			continue
		}
		s, err := x.Env.Text(a.Type, vals[i])
		if err != nil {
			s = "?"
		}
		const longest = 64
		if len(s) > longest {
			cut := longest
			for cut > 0 && s[cut]&0xC0 == 0x80 {
				cut--
			}
			s = s[:cut] + "..."
		}
		b.WriteString(s)
	}
	b.WriteString(").")
	return b.String()
}
