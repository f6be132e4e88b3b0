package commands

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/node"
)

// tableChange is what ALTER TABLE must do to the rows of a table, or look for in
// them, once all catalogs are changed.
type tableChange struct {
	old     *access.Relation // before the command: where the rows are
	rewrite bool
	values  map[int]node.Node // new values of columns, over the old columns
	check   []checkExpr
	notNull []int // columns, as indexes
	// persistence, if not 0, is what the table gets; order, if not 0, the index
	// that the rows are sorted by.
	persistence byte
	order       oid.OID
}

type checkExpr struct {
	name string
	e    node.Node
}

// rewrite gives a table new files with its live rows in them, and builds its
// indexes anew. change says how rows differ; nil: not at all. frozen rows are
// visible to everyone.
func (c *cmd) rewrite(table oid.OID, ch *tableChange, frozen bool) {
	old := c.relation(table)
	if ch != nil {
		old = ch.old
	}
	pers := c.class(table).Relpersistence
	var order *access.Relation
	if ch != nil {
		if ch.order != 0 {
			order = c.relation(ch.order)
		}
		if ch.persistence != 0 {
			pers = ch.persistence
		}
	}
	must(c.Catalog().NewFilenode(table, pers))
	if toast := c.class(table).Reltoastrelid; toast != 0 && old.ToastOID == toast {
		must(c.Catalog().NewFilenode(toast, pers))
		c.emptyIndexes(toast)
	}
	c.clearMissing(table)
	throw(c.Increment())
	rel := c.relation(table)
	n := c.moveRows(old, rel, order, ch, frozen)
	for _, ix := range must(c.Catalog().IndexesOf(table)) {
		c.lock(c.class(ix.Indexrelid), lmgr.AccessExclusive)
		c.newIndexFile(ix.Indexrelid, pers)
		c.buildIndex(table, ix.Indexrelid, false)
	}
	if st := c.class(table); st.Reltuples < 0 {
		blocks := must(rel.Pool.NBlocks(rel.Node, page.MainFork))
		change(c, table, func(r *rows.PgClass) { r.Relpages, r.Reltuples = int32(blocks), float32(n) })
		throw(c.Increment())
	}
}

// clearMissing forgets the values that rows had which were older than a column:
// a rewrite stores them in the rows.
func (c *cmd) clearMissing(table oid.OID) {
	for _, a := range must(c.Catalog().Attributes(table)) {
		if a.Atthasmissing {
			c.changeColumn(table, a.Attnum, func(r *rows.PgAttribute) { r.Atthasmissing, r.Attmissingval = false, datum.Null() })
		}
	}
}

// rowChange computes the new form of rows and verifies them.
type rowChange struct {
	x      *exec.Execution
	values *exec.RowEval
	cols   []int
	checks *exec.RowEval
	w      *exec.TableWriter
	ch     *tableChange
	rel    *access.Relation
}

func (c *cmd) newRowChange(x *exec.Execution, old, rel *access.Relation, ch *tableChange) *rowChange {
	r := &rowChange{x: x, ch: ch, rel: rel}
	if ch == nil {
		return r
	}
	var list []node.Node
	for k, e := range ch.values {
		r.cols, list = append(r.cols, k), append(list, e)
	}
	r.values = must(x.NewRowEval(old.Desc.Attrs, list))
	list = nil
	for _, k := range ch.check {
		list = append(list, k.e)
	}
	r.checks = must(x.NewRowEval(rel.Desc.Attrs, list))
	return r
}

// apply turns an old row into a new one; vals has room for all columns.
func (r *rowChange) apply(old, vals []datum.Datum) error {
	copy(vals, old)
	for i := len(old); i < len(vals); i++ {
		vals[i] = datum.Null()
	}
	if r.ch == nil {
		return nil
	}
	for i, k := range r.cols {
		v, err := r.values.Eval(r.x, i, old)
		if err != nil {
			return err
		}
		vals[k] = v.Clone()
	}
	return nil
}

// verify checks a new row against what the command added.
func (r *rowChange) verify(vals []datum.Datum) error {
	if r.ch == nil {
		return nil
	}
	for _, k := range r.ch.notNull {
		if vals[k].Null {
			e := pgerr.New(pgerr.NotNullViolation, "column %q of relation %q contains null values", r.rel.Desc.Attrs[k].Name, r.rel.Name)
			e.Table, e.Column = r.rel.Name, r.rel.Desc.Attrs[k].Name
			return e
		}
	}
	for i, k := range r.ch.check {
		v, err := r.checks.Eval(r.x, i, vals)
		if err != nil {
			return err
		}
		if !v.Null && v.Int == 0 {
			e := pgerr.New(pgerr.CheckViolation, "check constraint %q of relation %q is violated by some row", k.name, r.rel.Name)
			e.Table, e.Constraint = r.rel.Name, k.name
			return e
		}
	}
	return nil
}

// moveRows copies the live rows of old into rel, which is empty, and counts them.
// order, if not nil, is an index of old to follow.
func (c *cmd) moveRows(old, rel, order *access.Relation, ch *tableChange, frozen bool) int64 {
	x := c.evaluation()
	defer c.Done(x)
	r := c.newRowChange(x, old, rel, ch)
	var gen *exec.TableWriter
	for i := range rel.Desc.Attrs {
		if rel.Desc.Attrs[i].Generated != 0 && ch != nil {
			gen = must(x.NewTableWriter(rel))
			break
		}
	}
	insert := heap.InsertOptions{Command: x.Cid, SkipFSM: true, Frozen: frozen, Bulk: heap.NewBulk(rel)}
	vals := make([]datum.Datum, len(rel.Desc.Attrs))
	var n int64
	each := c.eachRow
	if order != nil {
		each = func(old *access.Relation, f func([]datum.Datum) error) error { return c.eachInOrder(old, order, f) }
	}
	throw(each(old, func(row []datum.Datum) error {
		if err := r.apply(row, vals); err != nil {
			return err
		}
		for i := range rel.Desc.Attrs {
			if rel.Desc.Attrs[i].Dropped {
				vals[i] = datum.Null()
			}
		}
		if gen != nil {
			if err := gen.Prepare(x, vals); err != nil {
				return err
			}
		}
		if err := r.verify(vals); err != nil {
			return err
		}
		n++
		_, err := heap.Insert(c.Context(), c.Tx(), rel, vals, insert)
		return err
	}))
	return n
}

// verifyRows reads a table that needs no rewrite.
func (c *cmd) verifyRows(table oid.OID, ch *tableChange) {
	if len(ch.check) == 0 && len(ch.notNull) == 0 {
		return
	}
	x := c.evaluation()
	defer c.Done(x)
	rel := c.relation(table)
	r := c.newRowChange(x, rel, rel, &tableChange{check: ch.check, notNull: ch.notNull})
	throw(c.eachRow(rel, r.verify))
}

// eachRow calls f for every live row of a table that is locked against changes.
// The values are f's until it returns.
func (c *cmd) eachRow(rel *access.Relation, f func([]datum.Datum) error) error {
	s, err := heap.BeginScan(c.Tx(), rel, heap.Self(), heap.ScanOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	dt := heap.NewDetoaster(c.Tx(), rel)
	vals := make([]datum.Datum, len(rel.Desc.Attrs))
	for {
		if c.Context().Err() != nil {
			return canceled()
		}
		batch, err := s.NextBatch()
		if err != nil || batch == nil {
			return err
		}
		for _, t := range batch {
			if err := access.Deform(rel.Desc, t.Data, len(vals), vals, dt); err != nil {
				return err
			}
			if err := f(vals); err != nil {
				return err
			}
		}
	}
}

// reindexOne builds an index anew in a new file.
func (c *cmd) reindexOne(table, index oid.OID) {
	c.newIndexFile(index, c.class(table).Relpersistence)
	c.buildIndex(table, index, false)
	if ix := must(c.Catalog().Index(index)); !ix.Indisvalid || !ix.Indisready {
		change(c, index, func(r *rows.PgIndex) { r.Indisvalid, r.Indisready, r.Indislive = true, true, true })
	}
}
