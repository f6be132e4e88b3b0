package exec

import (
	"fmt"
	"strings"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/indexheap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// TableWriter does for the rows of one table what every write must do: generated
// columns, constraints, index entries. COPY uses it too.
type TableWriter struct {
	rel     *access.Relation
	scope   relScope
	row     *Batch
	shape   columns
	checks  []tableCheck
	gen     []genColumn
	indexes []*indexWriter
	recheck []oid.OID
}

type tableCheck struct {
	name string
	e    expr
}

type genColumn struct {
	col int // index in Desc.Attrs
	e   expr
}

// indexWriter makes the entries of one index.
type indexWriter struct {
	st    *IndexState
	exprs []expr
	pred  []expr
	vals  []datum.Datum
	heap  nbtree.Heap
	buf   []int32
	check nbtree.UniqueCheck
}

// NewTableWriter prepares writes to rel.
func (x *Execution) NewTableWriter(rel *access.Relation) (*TableWriter, error) {
	if err := x.Cat.Writable(rel); err != nil {
		return nil, err
	}
	w := &TableWriter{rel: rel, scope: relScope{1, len(rel.Desc.Attrs)}}
	for i := range rel.Desc.Attrs {
		w.shape = append(w.shape, !rel.Desc.Attrs[i].ByVal)
	}
	w.row = newBatch(w.shape, 1)
	w.row.resize(w.shape, 1)
	w.row.N, w.row.Sel = 1, all(1)
	c := &compiler{x: x, scope: w.scope}
	checks, err := x.Cat.Checks(rel)
	if err != nil {
		return nil, err
	}
	for _, k := range checks {
		e, err := c.expr(k.Expr)
		if err != nil {
			return nil, err
		}
		w.checks = append(w.checks, tableCheck{k.Name, e})
	}
	gen, err := x.Cat.Generated(rel)
	if err != nil {
		return nil, err
	}
	for i := range rel.Desc.Attrs {
		g, ok := gen[i+1]
		if !ok {
			continue
		}
		e, err := c.expr(g)
		if err != nil {
			return nil, err
		}
		w.gen = append(w.gen, genColumn{i, e})
	}
	states, err := x.Cat.Indexes(rel)
	if err != nil {
		return nil, err
	}
	for _, st := range states {
		iw, err := x.newIndexWriter(rel, st, c)
		if err != nil {
			return nil, err
		}
		w.indexes = append(w.indexes, iw)
	}
	return w, nil
}

func (x *Execution) newIndexWriter(rel *access.Relation, st *IndexState, c *compiler) (*indexWriter, error) {
	iw := &indexWriter{st: st, vals: make([]datum.Datum, len(st.Rel.Index.AttNums)), heap: indexheap.New(x.Tx, rel)}
	var err error
	if iw.exprs, err = c.exprs(st.Exprs); err != nil {
		return nil, err
	}
	if iw.pred, err = c.exprs(st.Pred); err != nil {
		return nil, err
	}
	switch {
	case st.Rel.Index.Unique && st.Rel.Index.Immediate:
		iw.check = nbtree.UniqueYes
	case st.Rel.Index.Unique:
		iw.check = nbtree.UniquePartial
	}
	return iw, nil
}

// load sets the row that the expressions see.
func (w *TableWriter) load(vals []datum.Datum) {
	for k := range vals {
		put(w.row.Cols[k], 0, vals[k])
	}
}

// Prepare computes the generated columns of a new row and checks its constraints.
func (w *TableWriter) Prepare(x *Execution, vals []datum.Datum) error {
	w.load(vals)
	w.recheck = w.recheck[:0]
	for _, g := range w.gen {
		v, err := g.e.eval(x, w.row, w.row.Sel)
		if err != nil {
			return err
		}
		vals[g.col] = at(v, 0).Clone()
		put(w.row.Cols[g.col], 0, vals[g.col])
	}
	return w.constraints(x, vals)
}

// PrepareUpdate is Prepare for a changed row; keep says which columns are the old
// row's, and is cleared for generated columns.
func (w *TableWriter) PrepareUpdate(x *Execution, vals []datum.Datum, keep []bool) error {
	for _, g := range w.gen {
		keep[g.col] = false
	}
	return w.Prepare(x, vals)
}

func (w *TableWriter) constraints(x *Execution, vals []datum.Datum) error {
	for i := range w.rel.Desc.Attrs {
		a := &w.rel.Desc.Attrs[i]
		if a.NotNull && vals[i].Null && !a.Dropped {
			e := pgerr.New(pgerr.NotNullViolation, "null value in column %q of relation %q violates not-null constraint", a.Name, w.rel.Name)
			e.Table, e.Column, e.Schema = w.rel.Name, a.Name, x.schema(w.rel)
			e.Detail = x.failingRow(w.rel, vals)
			return e
		}
	}
	for _, c := range w.checks {
		v, err := c.e.eval(x, w.row, w.row.Sel)
		if err != nil {
			return err
		}
		if !v.Nulls[0] && v.Ints[0] == 0 {
			e := pgerr.New(pgerr.CheckViolation, "new row for relation %q violates check constraint %q", w.rel.Name, c.name)
			e.Table, e.Constraint, e.Schema = w.rel.Name, c.name, x.schema(w.rel)
			e.Detail = x.failingRow(w.rel, vals)
			return e
		}
	}
	return nil
}

// Index makes the index entries of the row at tid. unchanged hints that an update
// left most keys alone.
func (w *TableWriter) Index(x *Execution, vals []datum.Datum, tid page.TID, unchanged bool) error {
	if len(w.indexes) == 0 {
		return nil
	}
	w.load(vals)
	w.recheck = w.recheck[:0]
	for _, iw := range w.indexes {
		unique, err := iw.insert(x, w, tid, iw.check, unchanged)
		if err != nil {
			return err
		}
		if !unique {
			w.recheck = append(w.recheck, iw.st.Rel.OID)
		}
	}
	return nil
}

// RecheckUnique looks again whether the row at tid is the only one with its key in
// a deferrable unique index; 23505 if it is not.
func (w *TableWriter) RecheckUnique(x *Execution, index oid.OID, vals []datum.Datum, tid page.TID) error {
	w.load(vals)
	for _, iw := range w.indexes {
		if iw.st.Rel.OID == index {
			_, err := iw.insert(x, w, tid, nbtree.UniqueExisting, false)
			return err
		}
	}
	return nil
}

// key computes the index columns of the loaded row; false: the predicate leaves
// it out.
func (iw *indexWriter) key(x *Execution, w *TableWriter) (bool, error) {
	if len(iw.pred) > 0 {
		sel, err := filter(x, iw.pred, w.row, w.row.Sel, &iw.buf)
		if err != nil || len(sel) == 0 {
			return false, err
		}
	}
	e := 0
	for k, att := range iw.st.Rel.Index.AttNums {
		if att != 0 {
			iw.vals[k] = at(w.row.Cols[att-1], 0)
			continue
		}
		v, err := iw.exprs[e].eval(x, w.row, w.row.Sel)
		if err != nil {
			return false, err
		}
		e++
		iw.vals[k] = at(v, 0)
	}
	return true, nil
}

func (iw *indexWriter) insert(x *Execution, w *TableWriter, tid page.TID, check nbtree.UniqueCheck, unchanged bool) (bool, error) {
	in, err := iw.key(x, w)
	if err != nil || !in {
		return true, err
	}
	opt := nbtree.InsertOptions{Check: check, Unchanged: unchanged, Heap: iw.heap, Describe: func(vals []datum.Datum) string { return x.describeKey(w.rel, iw.st, vals) }}
	ok, err := nbtree.Insert(x.Ctx, x.Tx, iw.st.Rel, iw.vals, tid, opt)
	if e, is := pgerr.As(err); is && e.Code == pgerr.UniqueViolation {
		e.Schema, e.Table = x.schema(w.rel), w.rel.Name
		e.Constraint = iw.st.Rel.Name
	}
	return ok, err
}

// describeKey is a key as error details show it: (a, b)=(1, 2).
func (x *Execution) describeKey(rel *access.Relation, st *IndexState, vals []datum.Datum) string {
	var names, texts []string
	e := 0
	for k := range st.Rel.Index.KeyCols {
		name := ""
		if att := st.Rel.Index.AttNums[k]; att != 0 {
			name = rel.Desc.Attrs[att-1].Name
		} else {
			name = x.exprName(st, e)
			e++
		}
		names = append(names, name)
		if vals[k].Null {
			texts = append(texts, "null")
			continue
		}
		t := st.Rel.Index.OpcInType[k]
		if att := st.Rel.Index.AttNums[k]; att != 0 {
			t = rel.Desc.Attrs[att-1].Type
		} else if e-1 < len(st.Exprs) {
			t = node.ExprType(st.Exprs[e-1])
		}
		s, err := x.Env.Text(t, vals[k])
		if err != nil {
			s = "?"
		}
		texts = append(texts, s)
	}
	return fmt.Sprintf("(%s)=(%s)", strings.Join(names, ", "), strings.Join(texts, ", "))
}

// exprName is an index expression as pg_get_indexdef prints it.
func (x *Execution) exprName(st *IndexState, i int) string {
	if i < len(st.ExprNames) {
		return st.ExprNames[i]
	}
	return "expression"
}

// schema is the name of rel's schema, for error fields.
func (x *Execution) schema(rel *access.Relation) string { return x.Cat.SchemaName(rel.Namespace) }
